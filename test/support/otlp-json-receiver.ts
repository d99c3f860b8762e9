import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { SCOPE_NAME } from '../../instrumentation/src/attributes.ts';

export interface ReceivedSpan {
  readonly scope: string;
  /** `service.instance.id` */
  readonly instance: unknown;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
}

export interface Receiver {
  readonly url: string;
  /** All spans so far, in the order of arrival. */
  readonly spans: readonly ReceivedSpan[];
  /** Σ `cors.decisions`, by verdict and reason. A span that came twice counts once, as for every reader. */
  decisions(): Record<string, number>;
  close(): void;
}

/** An OTLP/HTTP receiver for JSON bodies that accepts and keeps everything. */
export async function receiveOtlpJson(): Promise<Receiver> {
  const spans: ReceivedSpan[] = [];
  const server = createServer(async (request, response) => {
    spans.push(...spansOf(JSON.parse(await bodyOf(request))));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    decisions() {
      const counts: Record<string, number> = {};
      for (const { scope, attributes } of new Map(spans.map((span) => [span.spanId, span])).values()) {
        if (scope !== SCOPE_NAME) continue;
        const name = String(attributes['cors.reason'] ?? attributes['cors.verdict']);
        counts[name] = (counts[name] ?? 0) + Number(attributes['cors.decisions']);
      }
      return counts;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  return (request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString();
}

type Attributes = readonly { readonly key: string; readonly value: Record<string, unknown> }[];

interface TracesData {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: Attributes };
    readonly scopeSpans?: readonly {
      readonly scope: { readonly name: string };
      readonly spans: readonly {
        readonly name: string;
        readonly traceId: string;
        readonly spanId: string;
        readonly attributes?: Attributes;
        readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
      }[];
    }[];
  }[];
}

export function spansOf({ resourceSpans = [] }: TracesData): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map(({ name, traceId, spanId, attributes, links = [] }) => ({
        scope: scope.name,
        instance: plain(resource?.attributes)['service.instance.id'],
        name,
        traceId,
        spanId,
        attributes: plain(attributes),
        links,
      })),
    ),
  );
}

function plain(attributes: Attributes = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

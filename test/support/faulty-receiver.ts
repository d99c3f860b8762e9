import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';

/**
 * What a receiver does with a request: accepts it, breaks the connection before or after storing the spans,
 * never responds, or sends another response (after storing them or not).
 */
export type Behaviour =
  | 'accept'
  | 'break'
  | 'keep_and_break'
  | 'hang'
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
      readonly isKept?: boolean;
    };

export interface KeptSpan {
  readonly spanId: string;
  readonly decisions: number;
  readonly total: number;
  /** Epoch milliseconds. */
  readonly start: number;
}

export interface FaultyReceiver {
  readonly url: string;
  /** The stored spans, once each, in the order of their first arrival. */
  readonly spans: ReadonlyMap<string, KeptSpan>;
  /** Bodies as received, compressed. */
  readonly bodies: readonly Buffer[];
  readonly requests: readonly { readonly url: string; readonly headers: IncomingHttpHeaders }[];
  /** The number of requests without a response. */
  readonly hanging: number;
  /** The sum of `cors.decisions` of the stored spans. */
  readonly decisions: number;
  /** Sets the behaviour from now on. */
  behave(behaviour: (spanCount: number) => Behaviour): void;
}

/**
 * A real OTLP/JSON receiver with faults, on a free port until the test ends.
 *
 * @param tls serves https with it
 */
export async function faultyReceiver(tls?: { cert: string; key: string }): Promise<FaultyReceiver> {
  const spans = new Map<string, KeptSpan>();
  const bodies: Buffer[] = [];
  const requests: { url: string; headers: IncomingHttpHeaders }[] = [];
  let hanging = 0;
  let behave: (spanCount: number) => Behaviour = () => 'accept';
  const answer: RequestListener = async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    bodies.push(body);
    requests.push({ url: request.url ?? '', headers: request.headers });
    const isGzip = request.headers['content-encoding'] === 'gzip';
    const received = spansOf((isGzip ? gunzipSync(body) : body).toString());
    const behaviour = behave(received.length);
    const reply = typeof behaviour === 'object' ? behaviour : { status: 200, isKept: behaviour === 'accept' };
    if (reply.isKept || behaviour === 'keep_and_break') {
      for (const span of received) if (!spans.has(span.spanId)) spans.set(span.spanId, span);
    }
    if (behaviour === 'hang') {
      hanging += 1;
      request.socket.once('close', () => {
        hanging -= 1;
      });
      return;
    }
    if (behaviour === 'break' || behaviour === 'keep_and_break') request.socket.destroy();
    else response.writeHead(reply.status, reply.headers).end(reply.body ?? '{}');
  };
  const server = tls === undefined ? createServer(answer) : createSecureServer(tls, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    bodies,
    requests,
    get hanging() {
      return hanging;
    },
    get decisions() {
      return [...spans.values()].reduce((sum, span) => sum + span.decisions, 0);
    },
    behave(behaviour) {
      behave = behaviour;
    },
  };
}

interface Body {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly spanId: string;
        readonly startTimeUnixNano: string;
        readonly attributes: readonly {
          readonly key: string;
          readonly value: { readonly intValue?: string };
        }[];
      }[];
    }[];
  }[];
}

function spansOf(text: string): KeptSpan[] {
  const { resourceSpans } = JSON.parse(text) as Body;
  return resourceSpans
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans)
    .map(({ spanId, startTimeUnixNano, attributes }) => {
      const integer = (name: string) => Number(attributes.find(({ key }) => key === name)?.value.intValue);
      return {
        spanId,
        decisions: integer('cors.decisions'),
        total: integer('cors.decisions.total'),
        start: Number(startTimeUnixNano.slice(0, -6)),
      };
    });
}

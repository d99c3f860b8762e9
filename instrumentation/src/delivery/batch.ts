import { promisify } from 'node:util';
import { gunzipSync, gzip, gzipSync } from 'node:zlib';
import type { Attributes } from '@opentelemetry/api';
import { encodeOtlpJson, type IdentifiedSpan } from './otlp-json.ts';
import type { PlainTarget } from './target.ts';

/**
 * Spans with their final ids, encoded: an ExportTraceServiceRequest that can be sent again, written to a file or
 * handed to another thread without changing, so that it counts once wherever it arrives from.
 */
export interface Batch {
  /** OTLP/JSON, compressed with gzip. */
  readonly body: Uint8Array;
  /** Σ `cors.decisions` of its spans. */
  readonly decisions: number;
}

/** A batch that has not been accepted yet, with all that somebody else needs to send it. Plain data. */
export interface UnsentBatch extends Batch {
  readonly target: PlainTarget;
  /** The directory that keeps it when it cannot be sent. */
  readonly spool: string | undefined;
}

const compress = promisify(gzip);

export async function encodeBatch(resource: Attributes, spans: readonly IdentifiedSpan[]): Promise<Batch> {
  return { body: await compress(encodeOtlpJson(resource, spans)), decisions: decisionsOf(spans) };
}

/** The same at once, for a process that is about to end. */
export function encodeBatchSync(resource: Attributes, spans: readonly IdentifiedSpan[]): Batch {
  return { body: gzipSync(encodeOtlpJson(resource, spans)), decisions: decisionsOf(spans) };
}

/** What `encodeOtlpJson` writes, as far as dividing it needs. */
interface Request {
  readonly resourceSpans: readonly [{ readonly scopeSpans: readonly [{ spans: EncodedSpan[] }] }];
}

interface EncodedSpan {
  readonly attributes: readonly { readonly key: string; readonly value: { readonly intValue?: string } }[];
}

/**
 * Two batches with the spans of one, for a receiver to which it is too large; none when it has a single span.
 * @throws when the body was not made here
 */
export function divideBatch({ body }: Batch): [] | [Batch, Batch] {
  const request: Request = JSON.parse(gunzipSync(body).toString());
  const [scope] = request.resourceSpans[0].scopeSpans;
  const { spans } = scope;
  if (spans.length < 2) return [];
  const part = (some: EncodedSpan[]): Batch => {
    scope.spans = some;
    const decisions = some.reduce((sum, { attributes }) => sum + integer(attributes, 'cors.decisions'), 0);
    return { body: gzipSync(JSON.stringify(request)), decisions };
  };
  const middle = spans.length >> 1;
  return [part(spans.slice(0, middle)), part(spans.slice(middle))];
}

function integer(attributes: EncodedSpan['attributes'], name: string): number {
  return Number(attributes.find(({ key }) => key === name)?.value.intValue ?? 0);
}

export function decisionsOf(spans: readonly { readonly decisions: number }[]): number {
  return spans.reduce((sum, span) => sum + span.decisions, 0);
}

import { promisify } from 'node:util';
import { gunzipSync, gzip, gzipSync } from 'node:zlib';
import type { Attributes } from '@opentelemetry/api';
import { encodeOtlpJson, type IdentifiedSpan } from './otlp-json.ts';
import type { PlainTarget } from './target.ts';

/**
 * Encoded spans with their final ids: an ExportTraceServiceRequest that can be resent, written to a file or
 * handed to another thread unchanged, so that it counts once wherever it arrives from.
 */
export interface Batch {
  /** OTLP/JSON, compressed with gzip. */
  readonly body: Uint8Array;
  /** The sum of `cors.decisions` of its spans. */
  readonly decisions: number;
}

/**
 * A batch that is not yet accepted, with everything that another thread or process needs to send it. Plain
 * data.
 */
export interface UnsentBatch extends Batch {
  readonly target: PlainTarget;
  /** The directory to write it to when it cannot be sent. */
  readonly spool: string | undefined;
}

const compress = promisify(gzip);

export async function encodeBatch(resource: Attributes, spans: readonly IdentifiedSpan[]): Promise<Batch> {
  return { body: await compress(encodeOtlpJson(resource, spans)), decisions: decisionsOf(spans) };
}

/** Synchronous version, for a process that is exiting. */
export function encodeBatchSync(resource: Attributes, spans: readonly IdentifiedSpan[]): Batch {
  return { body: gzipSync(encodeOtlpJson(resource, spans)), decisions: decisionsOf(spans) };
}

/** The part of `encodeOtlpJson`'s output that is needed to divide it. */
interface Request {
  readonly resourceSpans: readonly [{ readonly scopeSpans: readonly [{ spans: EncodedSpan[] }] }];
}

interface EncodedSpan {
  readonly attributes: readonly { readonly key: string; readonly value: { readonly intValue?: string } }[];
}

/**
 * Splits a batch in two, for a receiver that rejects it as too large.
 *
 * @returns an empty list when the batch has a single span
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

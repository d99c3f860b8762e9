import type { SpanContext } from '@opentelemetry/api';
import type { Decision } from './fetch-standard/decision.ts';

/** A CORS decision with the data of its request: what the coalescer counts. */
export interface Observation {
  /** When the response headers were written, in epoch milliseconds. */
  readonly time: number;
  /** Of kind `preflight`, `actual` or `ambiguous`. */
  readonly decision: Decision;
  /** `http.request.method`: a known method, or `_OTHER`. */
  readonly method: string;
  readonly statusCode: number;
  readonly route: string | undefined;
  /** `server.address`. */
  readonly serverAddress: string | undefined;
  /** The masked and bounded path without query; reported on blocked spans only. */
  readonly path: string | undefined;
  /** Index 0–63 of the client's prefix in the `cors.clients` bitmap; undefined behind an untrusted proxy. */
  readonly clientBit: number | undefined;
  /** The request's own span, or the caller's from `traceparent`. */
  readonly link: SpanContext | undefined;
}

/** Receives observations: the private delivery, or the application's tracer provider. */
export interface Recorder {
  /** Counts one decision. Cheap, synchronous, never throws. */
  record(observation: Observation): void;
  /** Sends pending spans; resolves once they are accepted or the timeout expires. */
  flush(timeoutMillis?: number): Promise<void>;
  /** Flushes and stops; later observations are counted as lost. */
  shutdown(timeoutMillis?: number): Promise<void>;
}

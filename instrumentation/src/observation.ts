import type { SpanContext } from '@opentelemetry/api';
import type { Decision } from './fetch-standard/decision.ts';

/** A CORS decision with what the hooks know of its request: what the coalescer counts. */
export interface Observation {
  /** When the response's headers were written, epoch milliseconds. */
  readonly time: number;
  /** Of kind `preflight`, `actual` or `ambiguous`. */
  readonly decision: Decision;
  /** `http.request.method`, known methods as they are, others `_OTHER`. */
  readonly method: string;
  readonly statusCode: number;
  readonly route: string | undefined;
  /** `server.address`. */
  readonly serverAddress: string | undefined;
  /** The path, masked and bounded, without the query; put on blocked spans only. */
  readonly path: string | undefined;
  /** Index 0–63 of the client's prefix in the `cors.clients` bitmap; undefined behind an untrusted proxy. */
  readonly clientBit: number | undefined;
  /** The request's own span, or the caller's `traceparent`. */
  readonly link: SpanContext | undefined;
}

/** Where observations go: the private delivery, or the application's own tracer provider. */
export interface Recorder {
  /** Counts one decision. Cheap, synchronous, never throws. */
  record(observation: Observation): void;
  /** Sends what is pending; resolves when it was accepted or the time ran out. */
  flush(timeoutMillis?: number): Promise<void>;
  /** Flushes and stops; later observations are counted as dropped. */
  shutdown(timeoutMillis?: number): Promise<void>;
}

import type {
  AllowOrigin,
  CorsKind,
  Credentials,
  Reason,
  Site,
  Verdict,
} from '../instrumentation/src/fetch-standard/decision.ts';

/**
 * The number of the rule set that turns a span into a decision. Raised when decoding or derivation changes
 * meaning: a row of a higher derivation replaces the row that an older one made of the same span.
 */
export const DERIVATION = 1;

/** Who saw the exchange: the service itself, or a gateway in front of it. */
export const OBSERVERS = ['service', 'gateway'] as const;
export type Observer = (typeof OBSERVERS)[number];

/**
 * How the decision came about, and with it what its count is worth. `instrumented`: by our instrumentation,
 * exact. `derived`: from HTTP spans of which every request has one, exact. `estimated`: from spans sampled by a
 * known ratio, right on average. `sampled`: from spans of which nobody said the ratio, a lower bound.
 */
export const SOURCES = ['instrumented', 'derived', 'estimated', 'sampled'] as const;
export type Source = (typeof SOURCES)[number];

/**
 * One decision span as the collector keeps it: what decoding yields and the writer takes. Strings are
 * well-formed and bounded here already; nothing behind this point meets a sender's bytes again.
 */
export interface DecisionSpan {
  readonly service: string;
  /** `service.instance.id`; empty when the sender has none. */
  readonly instance: string;
  /** `deployment.environment.name`. */
  readonly environment: string;
  /** `service.version`. */
  readonly version: string;
  /** 16 lower-case hexadecimal digits; with service and minute the identity of the row. */
  readonly spanId: string;
  /** Start of the span, epoch milliseconds; its minute is the minute that the decisions belong to. */
  readonly time: number;
  readonly derivation: number;
  readonly observer: Observer;
  readonly source: Source;
  /** How many decisions the span stands for; 0 when a newer rule set says that it is none. */
  readonly decisions: number;
  /** `cors.decisions.total`; 0 when absent. */
  readonly total: number;
  readonly kind: CorsKind;
  readonly verdict: Verdict;
  readonly reason: Reason | '';
  readonly detail: string;
  readonly origin: string;
  /** `cors.request.method`: the method asked for by a preflight, else the method used. */
  readonly method: string;
  /** Requested header names joined by `,` (lower-case, sorted). */
  readonly requestHeaders: string;
  readonly credentials: Credentials;
  readonly allowOrigin: AllowOrigin;
  readonly allowCredentials: boolean;
  readonly varyOrigin: boolean;
  /** Seconds; -1 when the response had none. */
  readonly maxAge: number;
  readonly site: Site;
  readonly browser: boolean;
  readonly statusCode: number;
  readonly route: string;
  /** `server.address`: the API's host as the client named it. */
  readonly apiHost: string;
  /** 16 hexadecimal digits, or-able; `0000000000000000` when absent. */
  readonly clients: string;
  /** Only on blocked decisions, else empty. */
  readonly path: string;
  /** Trace and span id of the request that the span links to, 32 and 16 hexadecimal digits; else empty. */
  readonly linkTraceId: string;
  readonly linkSpanId: string;
}

import type {
  AllowOrigin,
  CorsKind,
  Credentials,
  Reason,
  Site,
  Verdict,
} from '../instrumentation/src/fetch-standard/decision.ts';

/**
 * The version of the rule set that derives decisions from spans. Increased when decoding or derivation
 * changes its meaning: a row of a higher derivation replaces the row of an older one for the same span.
 */
export const DERIVATION = 1;

/** The observer of the exchange: the service itself, or a gateway in front of it. */
export const OBSERVERS = ['service', 'gateway'] as const;
export type ObservedBy = (typeof OBSERVERS)[number];

/**
 * The origin of a decision, which determines the accuracy of its count. `instrumented`: by our
 * instrumentation, exact. `derived`: from HTTP spans that exist for every request, exact. `estimated`: from
 * spans sampled at a known ratio, exact on average. `sampled`: from spans with an unknown ratio, a lower
 * bound.
 */
export const SOURCES = ['instrumented', 'derived', 'estimated', 'sampled'] as const;
export type Source = (typeof SOURCES)[number];

/**
 * One decision span as produced by decoding and stored by the writer. Strings are well-formed and bounded;
 * no later stage handles raw input.
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
  readonly observer: ObservedBy;
  readonly source: Source;
  /** The number of decisions; 0 when a newer rule set finds that the span is not a decision. */
  readonly decisions: number;
  /** `cors.decisions.total`; 0 when absent. */
  readonly total: number;
  readonly kind: CorsKind;
  readonly verdict: Verdict;
  readonly reason: Reason | '';
  readonly detail: string;
  readonly origin: string;
  /** `cors.request.method`: the method requested by a preflight, else the method used. */
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
  /** `server.address`: the API's host as used by the client. */
  readonly apiHost: string;
  /** 16 hexadecimal digits, combined with OR; `0000000000000000` when absent. */
  readonly clients: string;
  /** Only for blocked decisions, else empty. */
  readonly path: string;
  /** Trace and span id of the request that the span links to, 32 and 16 hexadecimal digits; else empty. */
  readonly linkTraceId: string;
  readonly linkSpanId: string;
}

import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import { bounded, TEXT_LIMIT } from '../../core/text.ts';
import { type Captured, type DerivedDecision, derive } from '../derivation/derive.ts';
import type { HttpAttributes } from '../derivation/http-attributes.ts';
import { observerOf } from '../derivation/observer.ts';
import {
  adjustedCount,
  type InboundTracestate,
  ratioOfTraceState,
  type SamplingRatios,
} from '../derivation/sampling.ts';
import { LIMITS, maxAgeOf, NO_CLIENTS, rejectionOf, type Sender } from './decision-span-of.ts';
import type { Rejection, TimeWindow } from './decoded.ts';

/** SpanKind.SPAN_KIND_SERVER of OTLP. */
export const SERVER = 2;

/** A span of kind SERVER, as either encoding yields it. */
export interface ServerSpan {
  readonly spanId: string;
  /** 32 lower-case hexadecimal digits; empty when not 16 bytes or all zero. */
  readonly traceId: string;
  /** Start, epoch milliseconds rounded down; 0 when absent. */
  readonly time: number;
  readonly traceState: string;
  /** It has no parent, here or elsewhere (see `isRoot`). */
  readonly isRoot: boolean;
  readonly attributes: HttpAttributes;
}

/** SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK and SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK of OTLP. */
const REMOTE_PARENT = 0x300;

/**
 * Whether a span begins its trace. Only then its tracestate is certainly the work of its own sampler: a remote
 * parent's is what a client sent, and a local parent may have inherited it from there.
 */
export function isRoot(hasParentId: boolean, flags: number): boolean {
  return !hasParentId && (flags & REMOTE_PARENT) !== REMOTE_PARENT;
}

/** How decisions are derived from spans that are not ours. */
export interface DerivationRules {
  readonly samplingRatios: SamplingRatios;
  readonly inboundTracestate: InboundTracestate;
  /** The number of the rule set. */
  readonly derivation: number;
}

/**
 * The row of the decision derived from somebody's HTTP server span; undefined when it is none, or why it cannot
 * be kept. A rule set that is not the first makes a row of 0 decisions of a span that looked like one: an older
 * rule set may have made a decision of it, and that row has to be replaced.
 */
export function derivedSpanOf(
  span: ServerSpan,
  sender: Sender,
  scope: string,
  window: TimeWindow,
  rules: DerivationRules,
): DecisionSpan | Rejection | undefined {
  const derived = derive(span.attributes, capturedBy(sender, scope));
  if (derived === 'no_candidate' || (derived === 'no_decision' && rules.derivation === 1)) return undefined;
  const rejection = rejectionOf(span, window);
  if (rejection !== undefined) return rejection;

  const ratio = rules.samplingRatios(sender.service) ?? ratioOfSampler(span, rules);
  const isLinked = span.traceId !== '';
  return {
    service: sender.service,
    instance: sender.instance,
    environment: sender.environment,
    version: sender.version,
    spanId: span.spanId,
    time: span.time,
    derivation: rules.derivation,
    observer: observerOf({ declared: sender.observer, scope, sdk: sender.sdk }),
    source: ratio === undefined ? 'sampled' : ratio === 1 ? 'derived' : 'estimated',
    total: 0,
    clients: NO_CLIENTS,
    linkTraceId: isLinked ? span.traceId : '',
    linkSpanId: isLinked ? span.spanId : '',
    ...(derived === 'no_decision'
      ? NO_DECISION
      : { ...factsOf(derived), decisions: ratio === undefined ? 1 : adjustedCount(ratio, span.spanId) }),
  };
}

/** What the sampler says of itself, where it is certain (or the operator is) that nobody else says it. */
function ratioOfSampler(
  { traceState, isRoot }: ServerSpan,
  { inboundTracestate }: DerivationRules,
): number | undefined {
  return isRoot || inboundTracestate === 'trusted'
    ? ratioOfTraceState(bounded(traceState, TEXT_LIMIT))
    : undefined;
}

/** It reads response headers in a way that does not see those given to `writeHead`. */
const NODE_HTTP = '@opentelemetry/instrumentation-http';

function capturedBy({ headersCaptured }: Sender, scope: string): Captured {
  if (scope === NODE_HTTP) return { request: headersCaptured, response: false, responseUnreliable: true };
  return { request: headersCaptured, response: headersCaptured };
}

type Facts = Pick<
  DecisionSpan,
  | 'kind'
  | 'verdict'
  | 'reason'
  | 'detail'
  | 'origin'
  | 'method'
  | 'requestHeaders'
  | 'credentials'
  | 'allowOrigin'
  | 'allowCredentials'
  | 'varyOrigin'
  | 'maxAge'
  | 'site'
  | 'browser'
  | 'statusCode'
  | 'route'
  | 'apiHost'
  | 'path'
>;

function factsOf({ decision, statusCode, route, apiHost, path }: DerivedDecision): Facts {
  return {
    kind: decision.kind,
    verdict: decision.verdict,
    reason: decision.reason,
    detail: bounded(decision.detail, LIMITS.detail),
    origin: bounded(decision.origin, LIMITS.origin),
    method: bounded(decision.requestMethod, LIMITS.method),
    requestHeaders: decision.requestHeaders.join(','),
    credentials: decision.credentials,
    allowOrigin: decision.allowOrigin,
    allowCredentials: decision.allowCredentials,
    varyOrigin: decision.varyOrigin,
    maxAge: maxAgeOf(decision.maxAge),
    site: decision.site,
    browser: decision.browser,
    statusCode,
    route: bounded(route, LIMITS.route),
    apiHost: bounded(apiHost, LIMITS.host),
    path: decision.verdict === 'blocked' ? bounded(path, LIMITS.path) : '',
  };
}

const NO_DECISION: Facts & { readonly decisions: 0 } = {
  decisions: 0,
  kind: 'actual',
  verdict: 'allowed',
  reason: '',
  detail: '',
  origin: '',
  method: '',
  requestHeaders: '',
  credentials: 'unknown',
  allowOrigin: 'absent',
  allowCredentials: false,
  varyOrigin: false,
  maxAge: -1,
  site: 'unknown',
  browser: false,
  statusCode: 0,
  route: '',
  apiHost: '',
  path: '',
};

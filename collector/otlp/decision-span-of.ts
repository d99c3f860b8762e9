import { DERIVATION, type DecisionSpan } from '../../clickhouse/decision-span.ts';
import { bounded, hexadecimal } from '../../core/text.ts';
import {
  ALLOW_ORIGINS,
  type AllowOrigin,
  CORS_KINDS,
  type CorsKind,
  CREDENTIALS,
  type Credentials,
  REASONS,
  type Reason,
  SITES,
  type Site,
  VERDICTS,
  type Verdict,
} from '../../instrumentation/src/fetch-standard/decision.ts';
import { observerOf } from '../derivation/observer.ts';
import { type AttributeBag, RESOURCE, SPAN, textOf } from './attribute-bag.ts';
import type { Rejection, TimeWindow } from './decoding-result.ts';

/** The sender of spans, read once per resource. */
export interface Sender {
  readonly service: string;
  readonly instance: string;
  readonly version: string;
  readonly environment: string;
  /** `telemetry.sdk.name`. */
  readonly sdk: string;
  /** `originscope.observer`, as sent. */
  readonly observer: string;
  /** `originscope.headers_captured`: whether a missing header was really absent. */
  readonly headersCaptured: boolean;
}

/** A span decoded from either encoding: sanitised text, not bounded or validated yet. */
export interface ReadSpan {
  /** 16 lower-case hexadecimal digits; empty when not 8 bytes or all zero. */
  spanId: string;
  /** Start, epoch milliseconds rounded down; 0 when absent. */
  time: number;
  /**
   * Ids of the first link, 32 and 16 lower-case hexadecimal digits; both empty when either is not a valid
   * id.
   */
  linkTraceId: string;
  linkSpanId: string;
  readonly attributes: AttributeBag;
}

/** Maximum lengths in UTF-16 code units; longer text is truncated. */
export const LIMITS = {
  service: 128,
  instance: 128,
  version: 128,
  environment: 128,
  origin: 256,
  detail: 256,
  route: 256,
  host: 256,
  path: 512,
  method: 32,
} as const;

export const NO_CLIENTS = '0000000000000000';
const MAX_AGE_LIMIT = 2 ** 31 - 1;

const known = <T extends string>(values: readonly T[]) => {
  const set: ReadonlySet<string> = new Set(values);
  return (text: string): text is T => set.has(text);
};

const isKind = known<CorsKind>(CORS_KINDS);
const isVerdict = known<Verdict>(VERDICTS);
const isReason = known<Reason>(REASONS);
const isCredentials = known<Credentials>(CREDENTIALS);
const isAllowOrigin = known<AllowOrigin>(ALLOW_ORIGINS);
const isSite = known<Site>(SITES);

export function senderOf(attributes: AttributeBag): Sender {
  return {
    // The default of the SDKs, so that unnamed services have the same name as in other tools.
    service: bounded(textOf(attributes, RESOURCE.service), LIMITS.service) || 'unknown_service',
    instance: bounded(textOf(attributes, RESOURCE.instance), LIMITS.instance),
    version: bounded(textOf(attributes, RESOURCE.version), LIMITS.version),
    environment: bounded(
      textOf(attributes, RESOURCE.environment) || textOf(attributes, RESOURCE.environmentBefore),
      LIMITS.environment,
    ),
    sdk: textOf(attributes, RESOURCE.sdk),
    observer: textOf(attributes, RESOURCE.observer),
    headersCaptured: textOf(attributes, RESOURCE.headersCaptured).toLowerCase() === 'true',
  };
}

/**
 * Converts a span in our scope to a row.
 *
 * Fields that identify and count must be valid or the span is rejected. Absent optional fields get a
 * neutral value (`unknown`, `absent`, false, empty), long text is truncated, `cors.max_age` is clamped to 0
 * … 2^31 − 1, and a status outside 100 … 999 or an invalid client bitmap counts as absent.
 *
 * @returns undefined when it is not a decision (it has no `cors.decisions`), or why it is rejected
 */
export function decisionSpanOf(
  span: ReadSpan,
  sender: Sender,
  window: TimeWindow,
): DecisionSpan | Rejection | undefined {
  const { attributes } = span;
  const decisions = attributes[SPAN.decisions];
  if (decisions === undefined) return undefined;
  if (typeof decisions !== 'number' || decisions < 1 || !Number.isSafeInteger(decisions)) return 'decisions';
  const total = attributes[SPAN.total] === undefined ? 0 : attributes[SPAN.total];
  if (typeof total !== 'number' || total < 0 || !Number.isSafeInteger(total)) return 'total';
  const kind = textOf(attributes, SPAN.kind);
  if (!isKind(kind)) return 'kind';
  const verdict = textOf(attributes, SPAN.verdict);
  if (!isVerdict(verdict)) return 'verdict';
  const reason = textOf(attributes, SPAN.reason);
  if (verdict === 'allowed' ? reason !== '' : reason === '') return 'reason';
  if (reason !== '' && !isReason(reason)) return 'reason';
  const credentials = textOf(attributes, SPAN.credentials) || 'unknown';
  const allowOrigin = textOf(attributes, SPAN.allowOrigin) || 'absent';
  const site = textOf(attributes, SPAN.site) || 'unknown';
  if (!isCredentials(credentials) || !isAllowOrigin(allowOrigin) || !isSite(site)) return 'facet';
  const rejection = rejectionOf(span, window);
  if (rejection !== undefined) return rejection;

  return {
    service: sender.service,
    instance: sender.instance,
    environment: sender.environment,
    version: sender.version,
    spanId: span.spanId,
    time: span.time,
    derivation: DERIVATION,
    observer: observerOf({ declared: sender.observer, scope: '', sdk: '' }),
    source: 'instrumented',
    decisions,
    total,
    kind,
    verdict,
    reason,
    detail: bounded(textOf(attributes, SPAN.detail), LIMITS.detail),
    origin: bounded(textOf(attributes, SPAN.origin), LIMITS.origin),
    method: bounded(textOf(attributes, SPAN.method), LIMITS.method),
    requestHeaders: textOf(attributes, SPAN.requestHeaders),
    credentials,
    allowOrigin,
    allowCredentials: attributes[SPAN.allowCredentials] === true,
    varyOrigin: attributes[SPAN.varyOrigin] === true,
    maxAge: maxAgeOf(attributes[SPAN.maxAge]),
    site,
    browser: attributes[SPAN.browser] === true,
    statusCode: statusCode(attributes),
    route: bounded(textOf(attributes, SPAN.route), LIMITS.route),
    apiHost: bounded(textOf(attributes, SPAN.serverAddress), LIMITS.host),
    clients: clients(attributes),
    path: verdict === 'blocked' ? bounded(textOf(attributes, SPAN.path), LIMITS.path) : '',
    linkTraceId: span.linkTraceId,
    linkSpanId: span.linkSpanId,
  };
}

/**
 * Why a span must be rejected regardless of its attributes: it has no id, or its time is outside the
 * window.
 */
export function rejectionOf(
  span: Pick<ReadSpan, 'spanId' | 'time'>,
  window: TimeWindow,
): Rejection | undefined {
  if (span.spanId === '') return 'span_id';
  if (span.time < window.earliest) return 'too_old';
  if (span.time > window.latest) return 'in_future';
  return undefined;
}

/** Seconds as stored in a row: −1 when absent, else clamped to 0 … 2^31 − 1. */
export function maxAgeOf(seconds: unknown): number {
  if (typeof seconds !== 'number') return -1;
  return Math.min(Math.max(seconds, 0), MAX_AGE_LIMIT);
}

function statusCode(attributes: AttributeBag): number {
  const status = attributes[SPAN.statusCode];
  return typeof status === 'number' && status >= 100 && status <= 999 ? status : 0;
}

function clients(attributes: AttributeBag): string {
  const bitmap = attributes[SPAN.clients];
  return (typeof bitmap === 'string' && hexadecimal(bitmap, 16)) || NO_CLIENTS;
}

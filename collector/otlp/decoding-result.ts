import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import { OPEN_MILLIS } from '../../core/slots.ts';

/**
 * Why a span in our scope is rejected. It is invalid, not merely foreign, so it is counted by reason and
 * reported to the sender; nothing is guessed.
 */
export const REJECTIONS = {
  decisions: 'cors.decisions is not a whole number from 1 to 2^53 - 1',
  total: 'cors.decisions.total is not a whole number from 0 to 2^53 - 1',
  kind: 'cors.kind is unknown',
  verdict: 'cors.verdict is unknown',
  reason: 'cors.reason is unknown, or does not match the verdict',
  facet: 'cors.credentials, cors.allow_origin or cors.site has an unknown value',
  span_id: 'the span id is not 8 bytes, or all zero',
  too_old: 'the start time is older than the accepted window',
  in_future: 'the start time is ahead of the accepted window',
} as const;
export type Rejection = keyof typeof REJECTIONS;

export type RejectionCounts = Record<Rejection, number>;

export const noRejections = (): RejectionCounts => ({
  decisions: 0,
  total: 0,
  kind: 0,
  verdict: 0,
  reason: 0,
  facet: 0,
  span_id: 0,
  too_old: 0,
  in_future: 0,
});

/** The accepted start times, epoch milliseconds, inclusive. */
export interface TimeWindow {
  readonly earliest: number;
  readonly latest: number;
}

const RECEIVER_AHEAD_MILLIS = 5 * 60_000;

/** The window of a live receiver: [now − 48 h, now + 5 min], so that the slot of every span is still open. */
export const acceptedWindow = (now: number): TimeWindow => ({
  earliest: now - OPEN_MILLIS,
  latest: now + RECEIVER_AHEAD_MILLIS,
});

/** The result of decoding one OTLP body: every span is in exactly one of the three counts. */
export interface Decoded {
  readonly spans: DecisionSpan[];
  /** Spans that are not CORS decisions. */
  passedOver: number;
  /** The sum of `rejections`. */
  rejected: number;
  readonly rejections: RejectionCounts;
}

export const nothingDecoded = (): Decoded => ({
  spans: [],
  passedOver: 0,
  rejected: 0,
  rejections: noRejections(),
});

/** Adds the outcome of one span. */
export function addOutcome(decoded: Decoded, outcome: DecisionSpan | Rejection | undefined): void {
  if (outcome === undefined) {
    decoded.passedOver++;
  } else if (typeof outcome === 'string') {
    decoded.rejected++;
    decoded.rejections[outcome]++;
  } else {
    decoded.spans.push(outcome);
  }
}

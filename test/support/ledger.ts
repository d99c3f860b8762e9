import { isDeepStrictEqual } from 'node:util';
import type { ClickHouseClient } from '@clickhouse/client';
import { createPublisher } from '../../collector/publication/publisher.ts';
import { decisionSpan } from './otlp-bodies.ts';
import type { Span } from './otlp-schema.ts';

/** Decisions by kind, and the blocked requests among the spans that carried them. */
export interface Counts {
  /** By `service origin kind verdict reason`. */
  readonly decisions: Record<string, number>;
  blocked: number;
}

export const noCounts = (): Counts => ({ decisions: {}, blocked: 0 });

/** Spans of one service, and what they add to the ledger. */
export interface Batch {
  readonly service: string;
  readonly spans: Span[];
  readonly counts: Counts;
}

const SERVICES = ['shop-api', 'billing-api', 'search-api'];
const ORIGINS = 12;
const PAST_MILLIS = 3 * 3_600_000;

/**
 * Half the spans belong to now, half to the three hours before: to slots that are published, or being
 * published.
 */
export function makeBatch(random: () => number, size = 50): Batch {
  const counts = noCounts();
  const service = SERVICES[Math.floor(random() * SERVICES.length)] ?? 'shop-api';
  const spans = Array.from({ length: size }, () => {
    const origin = `https://app${Math.floor(random() * ORIGINS)}.example`;
    const kind = random() < 0.2 ? 'preflight' : 'actual';
    const isBlocked = random() < 0.3;
    const verdict = isBlocked ? 'blocked' : 'allowed';
    const reason = isBlocked ? (random() < 0.5 ? 'acao_missing' : 'acao_mismatch') : '';
    const decisions = 1 + Math.floor(random() * 100);
    const key = [service, origin, kind, verdict, reason].join(' ');
    counts.decisions[key] = (counts.decisions[key] ?? 0) + decisions;
    if (isBlocked) counts.blocked++;
    const time = Date.now() - (random() < 0.5 ? 0 : Math.floor(random() * PAST_MILLIS));
    return decisionSpan(spanId(random), time, {
      'cors.decisions': decisions,
      'cors.kind': kind,
      'cors.verdict': verdict,
      ...(isBlocked ? { 'cors.reason': reason } : {}),
      'cors.origin': origin,
    });
  });
  return { service, spans, counts };
}

export function addCounts(to: Counts, { decisions, blocked }: Counts): void {
  for (const [key, count] of Object.entries(decisions)) to.decisions[key] = (to.decisions[key] ?? 0) + count;
  to.blocked += blocked;
}

const KEY = `arrayStringConcat([service, origin, kind, verdict, reason], ' ')`;

/** The contents of ClickHouse: rows by span, and as readers see it when everything is published. */
export interface Kept {
  readonly raw: Readonly<Record<string, number>>;
  readonly byMinute: Readonly<Record<string, number>>;
  readonly byHour: Readonly<Record<string, number>>;
  readonly blocked: number;
}

/**
 * Publishes whatever is left, and reads what is kept.
 *
 * @param now epoch milliseconds: a time in the future closes the slots of the present
 */
export async function publishAndRead(
  clients: { readonly publishing: ClickHouseClient; readonly reading: ClickHouseClient },
  now: number,
): Promise<Kept> {
  const options = { now: () => now, republishMillis: 0, readerGraceMillis: 0 };
  await createPublisher({ client: clients.publishing, ...options }).tick();
  const sums = async (from: string): Promise<Record<string, number>> => {
    const result = await clients.reading.query({
      query: `SELECT ${KEY} AS key, toFloat64(sum(decisions)) AS decisions FROM ${from} GROUP BY key`,
      format: 'JSONEachRow',
    });
    const rows = await result.json<{ key: string; decisions: number }>();
    return Object.fromEntries(rows.map(({ key, decisions }) => [key, decisions]));
  };
  const kept = await clients.reading.query({
    query: 'SELECT toFloat64(count()) AS n FROM blocked_requests',
    format: 'JSONEachRow',
  });
  const [blocked] = await kept.json<{ n: number }>();
  return {
    raw: await sums('decision_spans FINAL'),
    byMinute: await sums('origin_usage'),
    byHour: await sums('origin_usage_hourly'),
    blocked: blocked?.n ?? 0,
  };
}

/** Whether the stored decisions equal the sent ones exactly, in every view. */
export function isExact({ ledger, kept }: { readonly ledger: Counts; readonly kept: Kept }): boolean {
  return (
    isDeepStrictEqual(kept.raw, ledger.decisions) &&
    isDeepStrictEqual(kept.byMinute, ledger.decisions) &&
    isDeepStrictEqual(kept.byHour, ledger.decisions) &&
    kept.blocked === ledger.blocked
  );
}

export function sumOf({ decisions }: { readonly decisions: Kept['raw'] }): number {
  return Object.values(decisions).reduce((sum, count) => sum + count, 0);
}

function spanId(random: () => number): string {
  const half = (): string =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return half() + half();
}

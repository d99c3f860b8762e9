import type { ClickHouseClient } from '@clickhouse/client';
import type { Dialect } from '../clickhouse/dialect.ts';
import { type DiskSpace, readDisks } from '../clickhouse/disks.ts';
import { type BlockedCall, REASON_TEXTS } from '../explain/reasons/remedies.ts';
import type { Reason } from '../instrumentation/src/fetch-standard/decision.ts';
import { type NearestOrigin, nearestOrigin } from './nearest-origin.ts';
import { leftOutSlots, leftOutText, stuckSlots, stuckText } from './publication-state.ts';
import {
  type BlockedRow,
  type Example,
  readAllowedOrigins,
  readBlocked,
  readCompleteness,
  readExamples,
  readOrigins,
  readReasons,
  readTotals,
  windowOf,
} from './report-queries.ts';

/** What `originscope report` shows: plain data, the same in JSON. Times are RFC 3339. */
export interface Report {
  /** The window as it was read: widened to whole minutes or, where minutes are not kept, hours. */
  readonly since: string;
  readonly until: string;
  readonly resolution: 'minute' | 'hour';
  /** The one that was asked for; absent when all were. */
  readonly service?: string;
  /** The busiest first, at most 100. */
  readonly services: readonly ServiceReport[];
  /** How many services are left out. */
  readonly furtherServices: number;
  /** Where the data are; absent when ClickHouse does not tell this user. */
  readonly disks?: readonly DiskSpace[];
  /**
   * What cannot be published, and late spans that no view counts, in sentences with what a person can do; of all
   * times. Empty when there is none.
   */
  readonly troubles: readonly string[];
}

/** What a service's usage sums to. */
export interface ServiceCounts {
  readonly service: string;
  readonly decisions: number;
  readonly allowed: number;
  readonly blocked: number;
  readonly unknown: number;
  readonly origins: number;
  readonly preflights: number;
  /** Decisions of spans that are sampled by an unknown ratio: where there are any, all counts are lower bounds. */
  readonly sampled: number;
  /** Decisions counted up from spans that are sampled by a known ratio: right on average, not exact. */
  readonly estimated: number;
  /** Decisions that a gateway saw, too; who adds up services leaves them out. */
  readonly behindGateway: number;
}

export interface ServiceReport extends ServiceCounts {
  readonly failedPreflights: readonly ReasonCount[];
  readonly unknownReasons: readonly ReasonCount[];
  /** Of the instrumented decisions in the hours of the window; undefined when none says how many there were. */
  readonly completeness: Completeness | undefined;
  /** The busiest ones, at most 10. */
  readonly topOrigins: readonly OriginCount[];
  /** The most frequent ones, at most 10. */
  readonly topBlocked: readonly BlockedCallGroup[];
}

export interface ReasonCount {
  readonly reason: Reason;
  readonly decisions: number;
}

export interface Completeness {
  readonly received: number;
  readonly observed: number;
}

export interface OriginCount {
  readonly origin: string;
  readonly decisions: number;
  readonly allowed: number;
  readonly blocked: number;
  readonly unknown: number;
  readonly firstSeen: string;
  readonly lastSeen: string;
}

/** Blocked calls that are alike, counted. */
export interface BlockedCallGroup extends BlockedCall {
  /** Empty when it is not known. */
  readonly route: string;
  readonly decisions: number;
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** The latest known request of them; empty when none was kept. */
  readonly examplePath: string;
  readonly exampleTraceId: string;
  /** An allowed origin that differs in one thing only. */
  readonly nearest: NearestOrigin | undefined;
  readonly remedy: string;
}

export interface ReportOptions {
  /** Epoch milliseconds; until is exclusive. */
  readonly since: number;
  readonly until: number;
  readonly service?: string | undefined;
  /** `ClickHouse.dialect`; default: of one server. */
  readonly dialect?: Dialect;
}

/**
 * Asks the views what happened in a window.
 *
 * @throws ClickHouseError when the engine's limits for readers are reached: ask for a shorter window then
 */
export async function report(client: ClickHouseClient, options: ReportOptions): Promise<Report> {
  const window = await windowOf(client, options);
  const totals = await readTotals(window);
  const reasons = await readReasons(window);
  const completeness = await readCompleteness(window);
  const origins = await readOrigins(window);
  const blocked = await readBlocked(window);
  const allowed = await readAllowedOrigins(window);
  const examples = await readExamples(window, blocked);
  // A user who reads usage need not be allowed to ask for disks.
  const disks = await readDisks(client, options.dialect).catch(() => undefined);
  const stuck = await stuckSlots(client);
  const leftOut = await leftOutSlots(client);

  return {
    since: new Date(window.since).toISOString(),
    until: new Date(window.until).toISOString(),
    resolution: window.resolution,
    ...(options.service !== undefined && { service: options.service }),
    services: totals.map(({ service, services: _, ...counts }) => {
      const isOfService = (row: { service: string }): boolean => row.service === service;
      const counted = reasons.filter(isOfService);
      const candidates = allowed.filter(isOfService).map((row) => row.origin);
      const known = completeness.find(isOfService);
      return {
        service,
        ...counts,
        failedPreflights: countByReason(
          counted.filter((row) => row.kind === 'preflight' && row.verdict === 'blocked'),
        ),
        unknownReasons: countByReason(counted.filter((row) => row.verdict === 'unknown')),
        completeness: known && { received: known.received, observed: known.observed },
        topOrigins: origins.filter(isOfService).map(({ service: _, ...origin }) => origin),
        topBlocked: blocked.filter(isOfService).map((row) => blockedCallGroup(row, examples, candidates)),
      };
    }),
    furtherServices: (totals[0]?.services ?? 0) - totals.length,
    ...(disks !== undefined && { disks }),
    troubles: [...stuck.map(stuckText), ...(leftOut.length > 0 ? [leftOutText(leftOut)] : [])],
  };
}

function countByReason(rows: readonly ReasonCount[]): ReasonCount[] {
  const counts = new Map<Reason, number>();
  for (const { reason, decisions } of rows) counts.set(reason, (counts.get(reason) ?? 0) + decisions);
  return [...counts]
    .map(([reason, decisions]) => ({ reason, decisions }))
    .sort((a, b) => b.decisions - a.decisions);
}

function blockedCallGroup(
  row: BlockedRow,
  examples: readonly Example[],
  allowed: readonly string[],
): BlockedCallGroup {
  const { service: _, requested_headers, ...counts } = row;
  const example = examples.find((candidate) => isSameCall(candidate, row));
  const call = { ...counts, requestedHeaders: requested_headers === '' ? [] : requested_headers.split(',') };
  return {
    ...call,
    examplePath: example?.examplePath ?? '',
    exampleTraceId: example?.exampleTraceId ?? '',
    nearest: nearestTo(call, allowed),
    remedy: REASON_TEXTS[call.reason].remedy(call),
  };
}

/** Only where it was the origin that did not fit: one that is allowed elsewhere was meant as it is. */
function nearestTo(call: BlockedCall, allowed: readonly string[]): NearestOrigin | undefined {
  const { origin, reason, detail } = call;
  if (reason !== 'acao_missing' && reason !== 'acao_mismatch') return undefined;
  if (allowed.includes(origin)) return undefined;
  // What the answer named instead may be this origin, misspelt.
  return nearestOrigin(origin, reason === 'acao_mismatch' ? [detail, ...allowed] : allowed);
}

function isSameCall(a: Example, b: BlockedRow): boolean {
  return (
    a.service === b.service &&
    a.origin === b.origin &&
    a.kind === b.kind &&
    a.reason === b.reason &&
    a.detail === b.detail &&
    a.method === b.method &&
    a.requested_headers === b.requested_headers &&
    a.route === b.route
  );
}

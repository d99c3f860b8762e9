import type { ClickHouseClient } from '@clickhouse/client';
import type { Dialect } from '../clickhouse/dialect.ts';
import { type DiskSpace, readDisks } from '../clickhouse/disks.ts';
import { type BlockedCall, REASON_TEXTS } from '../explain/reasons/remedies.ts';
import type { Reason } from '../instrumentation/src/fetch-standard/decision.ts';
import { type NearestOrigin, nearestOrigin } from './nearest-origin.ts';
import { leftOutSlots, leftOutText, stuckSlots, stuckText } from './publication-state.ts';
import {
  type CallRow,
  type Example,
  type OriginCount,
  readAllowedOrigins,
  readCalls,
  readCompleteness,
  readExamples,
  readOrigins,
  readReasons,
  readTotals,
  type ServiceCounts,
  type WindowOptions,
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
  /** Whether any list was cut at the limit. */
  readonly truncated: boolean;
  /** The busiest first, at most 100, or the limit if that is more. */
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

export interface ServiceReport extends ServiceCounts {
  readonly failedPreflights: readonly ReasonCount[];
  readonly unknownReasons: readonly ReasonCount[];
  /** Of the instrumented decisions in the hours of the window; undefined when none says how many there were. */
  readonly completeness: Completeness | undefined;
  /** The busiest ones, up to the limit. */
  readonly topOrigins: readonly OriginCount[];
  readonly furtherOrigins: number;
  /** The most frequent blocked calls, up to the limit. */
  readonly topBlocked: readonly BlockedCallGroup[];
  readonly furtherBlocked: number;
  /** The most frequent calls with unknown verdict, up to the limit; the remedy says what would settle it. */
  readonly topUnknown: readonly BlockedCallGroup[];
  readonly furtherUnknown: number;
}

export interface ReasonCount {
  readonly reason: Reason;
  readonly decisions: number;
}

export interface Completeness {
  readonly received: number;
  readonly observed: number;
}

/** One way in which calls are blocked, or remain undecided. */
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

export interface ReportOptions extends WindowOptions {
  /** `ClickHouse.dialect`; default: a single server. */
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
  const blocked = await readCalls(window, 'blocked');
  const unknown = await readCalls(window, 'unknown');
  const allowed = await readAllowedOrigins(window);
  const examples = await readExamples(window, blocked);
  // A user who reads usage need not be allowed to ask for disks.
  const disks = await readDisks(client, options.dialect).catch(() => undefined);
  const stuck = await stuckSlots(client);
  const leftOut = await leftOutSlots(client);

  const services = totals.map(({ service, services: _, ...counts }): ServiceReport => {
    const isOfService = (row: { service: string }): boolean => row.service === service;
    const counted = reasons.filter(isOfService);
    const candidates = allowed.filter(isOfService).map((row) => row.origin);
    const known = completeness.find(isOfService);
    const [topOrigins, furtherOrigins] = listed(origins.filter(isOfService));
    const [topBlocked, furtherBlocked] = listed(blocked.filter(isOfService));
    const [topUnknown, furtherUnknown] = listed(unknown.filter(isOfService));
    return {
      service,
      ...counts,
      failedPreflights: countByReason(
        counted.filter((row) => row.kind === 'preflight' && row.verdict === 'blocked'),
      ),
      unknownReasons: countByReason(counted.filter((row) => row.verdict === 'unknown')),
      completeness: known && { received: known.received, observed: known.observed },
      topOrigins,
      furtherOrigins,
      topBlocked: topBlocked.map((row) => callGroup(row, examples.filter(isOfService), candidates)),
      furtherBlocked,
      topUnknown: topUnknown.map((row) => callGroup(row, [], [])),
      furtherUnknown,
    };
  });
  const furtherServices = (totals[0]?.services ?? 0) - totals.length;
  return {
    since: new Date(window.since).toISOString(),
    until: new Date(window.until).toISOString(),
    resolution: window.resolution,
    ...(options.service !== undefined && { service: options.service }),
    truncated: furtherServices > 0 || services.some(isCut),
    services,
    furtherServices,
    ...(disks !== undefined && { disks }),
    troubles: [...stuck.map(stuckText), ...(leftOut.length > 0 ? [leftOutText(leftOut)] : [])],
  };
}

const isCut = ({ furtherOrigins, furtherBlocked, furtherUnknown }: ServiceReport): boolean =>
  furtherOrigins + furtherBlocked + furtherUnknown > 0;

/** Rows without what only the list needs, and how many of the service are left out. */
function listed<Row extends { readonly service: string; readonly rows: number }>(
  rows: readonly Row[],
): [Omit<Row, 'service' | 'rows'>[], number] {
  return [rows.map(({ service: _, rows: __, ...row }) => row), (rows[0]?.rows ?? 0) - rows.length];
}

function countByReason(rows: readonly ReasonCount[]): ReasonCount[] {
  const counts = new Map<Reason, number>();
  for (const { reason, decisions } of rows) counts.set(reason, (counts.get(reason) ?? 0) + decisions);
  return [...counts]
    .map(([reason, decisions]) => ({ reason, decisions }))
    .sort((a, b) => b.decisions - a.decisions);
}

type Call = Omit<CallRow, 'service' | 'rows'>;

/** @param examples of the same service */
function callGroup(row: Call, examples: readonly Example[], allowed: readonly string[]): BlockedCallGroup {
  const { requested_headers, ...counts } = row;
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

/** Only where it was the origin that did not fit: an origin that is allowed elsewhere is not a typo. */
function nearestTo(call: BlockedCall, allowed: readonly string[]): NearestOrigin | undefined {
  const { origin, reason, detail } = call;
  if (reason !== 'acao_missing' && reason !== 'acao_mismatch') return undefined;
  if (allowed.includes(origin)) return undefined;
  // What the answer named instead may be this origin, misspelt.
  return nearestOrigin(origin, reason === 'acao_mismatch' ? [detail, ...allowed] : allowed);
}

function isSameCall(a: Example, b: Call): boolean {
  return (
    a.origin === b.origin &&
    a.kind === b.kind &&
    a.reason === b.reason &&
    a.detail === b.detail &&
    a.method === b.method &&
    a.requested_headers === b.requested_headers &&
    a.route === b.route
  );
}

import type { ClickHouseClient } from '@clickhouse/client';
import type { BlockedCall } from '../explain/reasons/remedies.ts';
import type { Reason, Verdict } from '../instrumentation/src/fetch-standard/decision.ts';

const MINUTE = 60_000;
const HOUR = 3_600_000;
/** Longer windows are read from hours. */
const LONGEST_IN_MINUTES = 24 * HOUR;

const MOST_SERVICES = 100;
/** Among so many the nearest allowed origin is looked for; publication keeps no more. */
const ALLOWED_ORIGINS = 500;

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

export interface OriginCount {
  readonly origin: string;
  readonly decisions: number;
  readonly allowed: number;
  readonly blocked: number;
  readonly unknown: number;
  readonly firstSeen: string;
  readonly lastSeen: string;
}

export interface WindowOptions {
  /** Epoch milliseconds; until is exclusive. */
  readonly since: number;
  readonly until: number;
  readonly service?: string | undefined;
  /** Rows of each list, from 1 to 10,000. Default 10. */
  readonly limit?: number | undefined;
}

/** The part of the views that a report is about. */
export interface Window {
  /** Epoch milliseconds, whole minutes or hours; until is exclusive. */
  readonly since: number;
  readonly until: number;
  readonly resolution: 'minute' | 'hour';
  /** FROM and WHERE over the usage, as `usage`. */
  readonly usage: string;
  /** When a group was first and last seen, as RFC 3339. */
  readonly seen: string;
  /** Rows of each list. */
  readonly limit: number;
  /** AND that keeps to the service that was asked for; empty for all. */
  readonly andService: string;
  ask<Row>(query: string, parameters?: Record<string, unknown>): Promise<Row[]>;
}

/** Minutes where the window is short and they are kept so far back, else hours. */
export async function windowOf(client: ClickHouseClient, options: WindowOptions): Promise<Window> {
  const hours = window(client, options, 'hour');
  if (options.until - options.since > LONGEST_IN_MINUTES) return hours;
  const minutes = window(client, options, 'minute');
  if (await hasUsage(minutes)) return minutes;
  // Minutes beside the window show that they are kept: then there is nothing in it, and hours would widen it.
  const areKept = await hasUsage(
    window(client, { ...options, since: hours.since, until: hours.until }, 'minute'),
  );
  return !areKept && (await hasUsage(hours)) ? hours : minutes;
}

async function hasUsage({ ask, usage }: Window): Promise<boolean> {
  return (await ask(`SELECT 1 ${usage} LIMIT 1`)).length > 0;
}

function window(client: ClickHouseClient, options: WindowOptions, resolution: 'minute' | 'hour'): Window {
  const { service, limit = 10 } = options;
  const isMinutes = resolution === 'minute';
  const step = isMinutes ? MINUTE : HOUR;
  const since = Math.floor(clamped(options.since) / step) * step;
  const until = Math.ceil(clamped(options.until) / step) * step;
  const andService = service === undefined ? '' : 'AND service = {service:String}';
  const view = isMinutes ? 'origin_usage' : 'origin_usage_hourly';
  return {
    since,
    until,
    resolution,
    limit,
    andService,
    usage: `FROM ${view} AS usage
      WHERE ${resolution} >= toDateTime({since:UInt32}, 'UTC')
        AND ${resolution} < toDateTime({until:UInt32}, 'UTC') ${andService}`,
    seen: isMinutes
      ? `${rfc3339('min(usage.minute)')} AS firstSeen, ${rfc3339('max(usage.minute)')} AS lastSeen`
      : `${rfc3339('min(usage.first_seen)')} AS firstSeen, ${rfc3339('max(usage.last_seen)')} AS lastSeen`,
    async ask<Row>(query: string, parameters: Record<string, unknown> = {}) {
      const query_params = { since: since / 1000, until: until / 1000, service, limit, ...parameters };
      const result = await client.query({ query, query_params, format: 'JSONEachRow' });
      return result.json<Row>();
    },
  };
}

/** Times that a DateTime can hold, a day short at its end for rounding up. */
function clamped(millis: number): number {
  return Math.min(Math.max(millis, 0), (2 ** 32 - 86_400) * 1000);
}

function rfc3339(time: string): string {
  return `formatDateTime(${time}, '%Y-%m-%dT%H:%i:%SZ', 'UTC')`;
}

const VERDICT_COUNTS = `sum(usage.decisions) AS decisions,
  sumIf(usage.decisions, verdict = 'allowed') AS allowed,
  sumIf(usage.decisions, verdict = 'blocked') AS blocked,
  sumIf(usage.decisions, verdict = 'unknown') AS unknown`;

export interface Totals extends ServiceCounts {
  /** How many services there are, also beyond the ones that are returned. */
  readonly services: number;
}

/** The busiest services first. */
export function readTotals({ ask, usage }: Window): Promise<Totals[]> {
  return ask<Totals>(
    `SELECT service, ${VERDICT_COUNTS}, uniqExact(origin) AS origins,
       sumIf(usage.decisions, kind = 'preflight') AS preflights,
       sumIf(usage.decisions, source = 'sampled') AS sampled,
       sumIf(usage.decisions, source = 'estimated') AS estimated,
       sumIf(usage.decisions, NOT outermost) AS behindGateway, count() OVER () AS services
     ${usage} GROUP BY service ORDER BY decisions DESC, service LIMIT greatest({limit:UInt32}, ${MOST_SERVICES})`,
  );
}

export interface ReasonRow {
  readonly service: string;
  readonly kind: string;
  readonly verdict: Verdict;
  readonly reason: Reason;
  readonly decisions: number;
}

/** What did not pass, by reason. */
export function readReasons({ ask, usage }: Window): Promise<ReasonRow[]> {
  return ask<ReasonRow>(
    `SELECT service, kind, verdict, reason, sum(usage.decisions) AS decisions
     ${usage} AND verdict != 'allowed' GROUP BY service, kind, verdict, reason
     ORDER BY decisions DESC, reason`,
  );
}

/** Received and observed decisions in the hours that the window touches. */
export function readCompleteness({
  ask,
  andService,
}: Window): Promise<{ service: string; received: number; observed: number }[]> {
  return ask(
    `SELECT service, sum(completeness.received) AS received, sum(completeness.observed) AS observed
     FROM completeness
     WHERE hour >= toStartOfHour(toDateTime({since:UInt32}, 'UTC')) AND hour < toDateTime({until:UInt32}, 'UTC')
       ${andService}
     GROUP BY service HAVING observed > 0`,
  );
}

/** How many rows of a service there are, also beyond the ones that are returned. */
interface Listed {
  readonly service: string;
  readonly rows: number;
}

const ROWS = 'count() OVER (PARTITION BY service) AS rows';
const LIMIT = 'LIMIT {limit:UInt32} BY service';

/** The busiest origins of each service. */
export function readOrigins({ ask, usage, seen }: Window): Promise<(OriginCount & Listed)[]> {
  return ask(
    `SELECT service, origin, ${VERDICT_COUNTS}, ${seen}, ${ROWS}
     ${usage} GROUP BY service, origin
     ORDER BY decisions DESC, origin ${LIMIT}`,
  );
}

export interface CallRow extends Omit<BlockedCall, 'requestedHeaders'>, Listed {
  readonly requested_headers: string;
  readonly route: string;
  readonly decisions: number;
  readonly firstSeen: string;
  readonly lastSeen: string;
}

const CALL = 'service, origin, kind, reason, detail, method, requested_headers, route';

/** The most frequent calls of each service that were blocked, or whose verdict is unknown. */
export function readCalls({ ask, usage, seen }: Window, verdict: 'blocked' | 'unknown'): Promise<CallRow[]> {
  return ask<CallRow>(
    `SELECT ${CALL}, argMax(status_code, usage.decisions) AS statusCode,
       sum(usage.decisions) AS decisions, ${seen}, ${ROWS}
     ${usage} AND verdict = {verdict:String} GROUP BY ${CALL}
     ORDER BY decisions DESC, origin, reason, method, route, detail ${LIMIT}`,
    { verdict },
  );
}

/** The origins that each service allowed, the most used first. */
export function readAllowedOrigins({ ask, usage }: Window): Promise<{ service: string; origin: string }[]> {
  return ask(
    `SELECT service, origin ${usage} AND verdict = 'allowed' AND allow_origin = 'exact'
     GROUP BY service, origin
     ORDER BY sum(usage.decisions) DESC, origin LIMIT ${ALLOWED_ORIGINS} BY service`,
  );
}

export interface Example
  extends Pick<CallRow, 'service' | 'origin' | 'kind' | 'reason' | 'detail' | 'method'> {
  readonly requested_headers: string;
  readonly route: string;
  readonly examplePath: string;
  readonly exampleTraceId: string;
}

/** Of each call the latest request that was kept, one with a trace if there is one. */
export async function readExamples(
  { ask, andService }: Window,
  blockedCalls: readonly CallRow[],
): Promise<Example[]> {
  if (blockedCalls.length === 0) return [];
  return ask<Example>(
    `SELECT ${CALL}, argMax(path, (link_trace_id != '', time)) AS examplePath,
       argMax(link_trace_id, (link_trace_id != '', time)) AS exampleTraceId
     FROM blocked_requests
     WHERE minute >= toDateTime({since:UInt32}, 'UTC') AND minute < toDateTime({until:UInt32}, 'UTC') ${andService}
       AND (service, origin, reason) IN (
         SELECT arrayJoin(arrayZip({services:Array(String)}, {origins:Array(String)}, {reasons:Array(String)})) AS call)
     GROUP BY ${CALL}`,
    {
      services: blockedCalls.map((call) => call.service),
      origins: blockedCalls.map((call) => call.origin),
      reasons: blockedCalls.map((call) => call.reason),
    },
  );
}

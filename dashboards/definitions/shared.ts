import type { Annotation, DashboardLink, QueryVariable, StatPanel, Thresholds } from './definition.ts';
import { BLOCKED_SHARE, DECISIONS, hashOf, namesOf, perMinute, selected, TIME, usage } from './query-text.ts';
import { reasonTitle } from './reason-text.ts';

/** Names by which dashboards link to each other. */
export const UIDS = {
  overview: 'originscope-overview',
  service: 'originscope-service',
  origin: 'originscope-origin',
  blockedRequests: 'originscope-blocked-requests',
  whatDiffers: 'originscope-what-differs',
  preflights: 'originscope-preflights',
  incidents: 'originscope-incidents',
  pipelineHealth: 'originscope-pipeline-health',
} as const;

export const ENVIRONMENT: QueryVariable = {
  kind: 'query',
  name: 'environment',
  label: 'Environment',
  description: 'deployment.environment.name of the services',
  sql: namesOf('environment', '1'),
  multi: true,
};

const IN_ENVIRONMENT = selected('environment');

/** One service. */
export const SERVICE: QueryVariable = {
  kind: 'query',
  name: 'service',
  label: 'Service',
  description: 'service.name; the busiest first',
  sql: namesOf('service', IN_ENVIRONMENT),
  multi: false,
};

/** Several services, or all of them. */
export const SERVICES: QueryVariable = { ...SERVICE, multi: true };

/** One origin. */
export const ORIGIN: QueryVariable = {
  kind: 'query',
  name: 'origin',
  label: 'Origin',
  description: 'Origin of the pages; the 1,000 busiest, others by a link from another dashboard',
  sql: namesOf('origin', IN_ENVIRONMENT),
  multi: false,
};

/** From a row with `SERVICE_ID`. */
export const TO_SERVICE: DashboardLink = {
  title: 'Look at this service',
  uid: UIDS.service,
  set: { service: 'service_id' },
  keep: ['environment'],
};

/** From a row with `ORIGIN_ID`. */
export const TO_ORIGIN: DashboardLink = {
  title: 'Look at this origin',
  uid: UIDS.origin,
  set: { origin: 'origin_id' },
  keep: ['environment'],
};

/** From which share of blocked decisions on a service deserves attention. */
export const BLOCKED_THRESHOLDS: Thresholds = { warning: 0.05, critical: 0.2 };

export const blockedShareStat = (id: number, usageText: string): StatPanel => ({
  kind: 'stat',
  id,
  title: 'Blocked share',
  description: 'Share of decisions that end with the browser blocking the response.',
  width: 4,
  height: 4,
  unit: 'ratio',
  thresholds: BLOCKED_THRESHOLDS,
  sql: `SELECT ${BLOCKED_SHARE} AS blocked_share FROM ${usageText}`,
});

const VERDICT_COLORS = { allowed: 'green', blocked: 'red', unknown: 'yellow' };

/**
 * @param usageText what stands behind FROM
 * @param note behind the first sentence of the description
 */
export const decisionsByVerdict = (id: number, usageText: string, note = '') =>
  ({
    kind: 'time_series',
    id,
    title: 'Decisions by verdict',
    description: `Decisions per minute.${note}`,
    width: 12,
    height: 8,
    unit: 'per_minute',
    style: 'stacked_bars',
    colors: VERDICT_COLORS,
    sql: `SELECT ${TIME}, verdict AS series, ${perMinute(DECISIONS)} AS value
    FROM ${usageText} GROUP BY time, series ORDER BY time, series`,
  }) as const;

/** @param blockedText what stands behind FROM: blocked usage */
export const blockedByReason = (id: number, blockedText: string) =>
  ({
    kind: 'time_series',
    id,
    title: 'Blocked, by reason',
    description: 'Blocked decisions per minute by the reason for which browsers block.',
    width: 12,
    height: 8,
    unit: 'per_minute',
    style: 'stacked_bars',
    sql: `SELECT ${TIME}, ${reasonTitle('reason')} AS series, ${perMinute(DECISIONS)} AS value
    FROM ${blockedText} GROUP BY time, series ORDER BY time, series`,
  }) as const;

/** Columns of a table of services or origins. @param toRequests the link of the blocked decisions */
export const countColumns = (toRequests: DashboardLink) =>
  [
    { name: 'decisions', title: 'Decisions', unit: 'count', width: 110 },
    { name: 'blocked', title: 'Blocked', unit: 'count', width: 100, link: toRequests },
    {
      name: 'blocked_share',
      title: 'Blocked share',
      unit: 'ratio',
      width: 220,
      thresholds: BLOCKED_THRESHOLDS,
      bar: true,
    },
  ] as const;

/** Text of markers is rendered as HTML, so characters that could be markup are replaced. */
export const withoutMarkup = (column: string): string =>
  `replaceRegexpAll(${column}, '[^0-9A-Za-z._:/+-]', '_')`;

/**
 * When a version of a service was first seen in the range; those that were there at its beginning are left out.
 *
 * @param where which decisions
 */
export function deployments(where: string): Annotation {
  return {
    name: 'Deployments',
    color: 'blue',
    sql: `SELECT first_seen AS time, concat(${withoutMarkup('service')}, ' ', ${withoutMarkup('version')}) AS text, 'deployment' AS tags
    FROM (
      SELECT service, version, min(time) AS first_seen, min(first_seen) OVER (PARTITION BY service) AS beginning
      FROM ${usage({ where: `version != '' AND ${where}`, of: ['service', 'version'], firstTimes: true })}
      GROUP BY service, version)
    WHERE first_seen > beginning ORDER BY time LIMIT 200`,
  };
}

/** What tables select so that their rows can link to a service or an origin. */
export const SERVICE_ID = `${hashOf('service')} AS service_id`;
export const ORIGIN_ID = `${hashOf('origin')} AS origin_id`;

import type { Annotation, QueryVariable, Thresholds } from './definition.ts';
import { hashOf, namesOf, selected, usage } from './query-text.ts';

/** Names by which dashboards link to each other. */
export const UIDS = {
  overview: 'originscope-overview',
  service: 'originscope-service',
  origin: 'originscope-origin',
  blockedRequests: 'originscope-blocked-requests',
  whatDiffers: 'originscope-what-differs',
  preflights: 'originscope-preflights',
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

/** From which share of blocked decisions on a service deserves attention. */
export const BLOCKED_THRESHOLDS: Thresholds = { warning: 0.05, critical: 0.2 };

export const VERDICT_COLORS = { allowed: 'green', blocked: 'red', unknown: 'yellow' };

/** Text of markers is rendered as HTML, so characters of a version that could be markup are replaced. */
const PLAIN = (column: string): string => `replaceRegexpAll(${column}, '[^0-9A-Za-z._+-]', '_')`;

/**
 * When a version of a service was first seen in the range; those that were there at its beginning are left out.
 *
 * @param where which decisions
 */
export function deployments(where: string): Annotation {
  return {
    name: 'Deployments',
    color: 'blue',
    sql: `SELECT first_seen AS time, concat(${PLAIN('service')}, ' ', ${PLAIN('version')}) AS text, 'deployment' AS tags
    FROM (
      SELECT service, version, min(time) AS first_seen, min(first_seen) OVER (PARTITION BY service) AS beginning
      FROM ${usage({ where: `version != '' AND ${where}` })}
      GROUP BY service, version)
    WHERE first_seen > beginning ORDER BY time LIMIT 200`,
  };
}

/** What tables select so that their rows can link to a service or an origin. */
export const SERVICE_ID = `${hashOf('service')} AS service_id`;
export const ORIGIN_ID = `${hashOf('origin')} AS origin_id`;

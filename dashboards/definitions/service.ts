import type { Dashboard, DashboardLink } from './definition.ts';
import { incidentMarks } from './incident-text.ts';
import {
  BLOCKED,
  BLOCKED_SHARE,
  DECISIONS,
  decisionsWhere,
  FROM,
  perMinute,
  ratio,
  selected,
  TIME,
  TO,
  usage,
} from './query-text.ts';
import { reasonTitle } from './reason-text.ts';
import {
  BLOCKED_THRESHOLDS,
  blockedByReason,
  blockedShareStat,
  countColumns,
  decisionsByVerdict,
  deployments,
  ENVIRONMENT,
  ORIGIN_ID,
  SERVICE,
  UIDS,
} from './shared.ts';

const HERE = `${selected('environment')} AND ${selected('service')}`;
const USAGE = usage({ where: HERE });
const TOTALS = usage({ where: HERE, of: ['version', 'kind', 'verdict', 'reason'] });
const BLOCKED_USAGE = usage({ where: HERE, of: ['reason'], blocked: true });
/** What the objective is about: requests of browsers whose outcome is known. */
const BROWSER_USAGE = usage({ where: `${HERE} AND browser AND verdict != 'unknown'`, of: ['verdict'] });
const ALLOWED_SHARE = ratio(decisionsWhere(`verdict = 'allowed'`), DECISIONS);
const BURN_RATE = `(1 - ${ALLOWED_SHARE}) / (1 - {objective:Float64})`;
const PREFLIGHTS = decisionsWhere(`kind = 'preflight'`);
const ACTUAL = decisionsWhere(`kind = 'actual'`);
const SHOWN_VERSION = `if(version = '', '(none)', toString(version))`;

const TO_ORIGIN: DashboardLink = {
  title: 'Look at this origin',
  uid: UIDS.origin,
  set: { origin: 'origin_id' },
  keep: ['environment'],
};
const TO_REQUESTS: DashboardLink = {
  title: 'Blocked requests of this origin',
  uid: UIDS.blockedRequests,
  set: { origin: 'origin_id' },
  keep: ['environment', 'service'],
};

/** When the version that is the newest in the range was first seen. */
const LAST_DEPLOYMENT = `(SELECT max(first_seen) FROM (
      SELECT min(time) AS first_seen FROM ${usage({ where: `${HERE} AND version != ''`, of: ['version'], firstTimes: true })} GROUP BY version))`;

export const SERVICE_DASHBOARD: Dashboard = {
  uid: UIDS.service,
  title: 'Originscope: service',
  question: 'Which origins, routes and versions of this service are blocked, since when, and why?',
  since: '24h',
  variables: [
    ENVIRONMENT,
    SERVICE,
    {
      kind: 'choice',
      name: 'objective',
      label: 'Objective',
      description: 'Share of browser requests with a known outcome that should be allowed',
      choices: [
        { text: '99 %', value: 0.99 },
        { text: '99.5 %', value: 0.995 },
        { text: '99.9 %', value: 0.999 },
        { text: '95 %', value: 0.95 },
      ],
    },
  ],
  annotations: [incidentMarks(HERE), deployments(HERE)],
  rows: [
    {
      panels: [
        {
          kind: 'stat',
          id: 1,
          title: 'Decisions',
          description: 'Cross-origin requests and preflights that browsers decided about.',
          width: 4,
          height: 4,
          unit: 'count',
          sql: `SELECT ${DECISIONS} AS decisions FROM ${TOTALS}`,
        },
        blockedShareStat(2, TOTALS),
        {
          kind: 'stat',
          id: 3,
          title: 'Allowed browser requests',
          description:
            'What the objective is measured by: of the requests that came from browsers and whose outcome is known, the share that is allowed.',
          width: 4,
          height: 4,
          unit: 'ratio',
          decimals: 2,
          thresholds: { warning: 0.99, critical: 0.95, below: true },
          sql: `SELECT ${ALLOWED_SHARE} AS allowed_share FROM ${BROWSER_USAGE}`,
        },
        {
          kind: 'stat',
          id: 4,
          title: 'Burn rate',
          description:
            'How fast the error budget of the objective is used up in this range: at 1 it lasts exactly as long as the objective is measured, at 14.4 a budget of 30 days is gone in 50 hours.',
          width: 4,
          height: 4,
          unit: 'factor',
          decimals: 1,
          thresholds: { warning: 1, critical: 6 },
          sql: `SELECT ${BURN_RATE} AS burn_rate FROM ${BROWSER_USAGE}`,
        },
        {
          kind: 'stat',
          id: 5,
          title: 'Preflights per request',
          description:
            'A preflight is a round trip before the request. Near 0 where browsers keep the answer (Access-Control-Max-Age), 1 where each request costs two.',
          width: 4,
          height: 4,
          unit: 'factor',
          decimals: 2,
          sql: `SELECT ${ratio(PREFLIGHTS, ACTUAL)} AS preflights_per_request FROM ${TOTALS}`,
        },
        {
          kind: 'stat',
          id: 6,
          title: 'Origins',
          description: 'Different origins of pages. Past a budget origins are counted together as (other).',
          width: 4,
          height: 4,
          unit: 'count',
          sql: `SELECT uniqExact(origin) AS origins FROM ${USAGE}`,
        },
      ],
    },
    {
      panels: [
        decisionsByVerdict(7, TOTALS),
        blockedByReason(8, BLOCKED_USAGE),
        {
          kind: 'time_series',
          id: 9,
          title: 'Burn rate of the objective',
          description:
            'Share of browser requests that are blocked, in relation to what the objective permits: above 1 the objective is being missed.',
          width: 12,
          height: 8,
          unit: 'factor',
          style: 'lines',
          thresholds: { warning: 1, critical: 6 },
          sql: `SELECT ${TIME}, ${BURN_RATE} AS "Burn rate" FROM ${BROWSER_USAGE} GROUP BY time ORDER BY time`,
        },
        {
          kind: 'time_series',
          id: 10,
          title: 'Blocked share by version',
          description: 'A version that stands out was deployed with the fault. The ten busiest versions.',
          width: 12,
          height: 8,
          unit: 'ratio',
          style: 'lines',
          thresholds: BLOCKED_THRESHOLDS,
          sql: `SELECT ${TIME}, ${SHOWN_VERSION} AS series, ${BLOCKED_SHARE} AS value
    FROM ${TOTALS} WHERE version IN (
      SELECT version FROM ${TOTALS} GROUP BY version ORDER BY ${DECISIONS} DESC LIMIT 10)
    GROUP BY time, series ORDER BY time, series`,
        },
      ],
    },
    {
      panels: [
        {
          kind: 'table',
          id: 11,
          title: 'Origins',
          description: 'The origins with the most blocked decisions first, then the busiest.',
          width: 24,
          height: 9,
          columns: [
            { name: 'origin', title: 'Origin', unit: 'text', link: TO_ORIGIN },
            ...countColumns(TO_REQUESTS),
            { name: 'why', title: 'Most frequent reason', unit: 'text', width: 280 },
            { name: 'first_seen', title: 'First seen in range', unit: 'time', width: 170 },
            { name: 'last_seen', title: 'Last seen', unit: 'time', width: 170 },
          ],
          sql: `SELECT origin, sum(of_reason) AS decisions, sumIf(of_reason, verdict = 'blocked') AS blocked,
      ${ratio('blocked', 'decisions')} AS blocked_share,
      if(blocked = 0, '', ${reasonTitle(`argMaxIf(reason, of_reason, verdict = 'blocked')`)}) AS why,
      min(first_time) AS first_seen, max(last_time) AS last_seen, ${ORIGIN_ID}
    FROM (
      SELECT origin, verdict, reason, ${DECISIONS} AS of_reason, min(time) AS first_time, max(time) AS last_time
      FROM ${USAGE} GROUP BY origin, verdict, reason)
    GROUP BY origin ORDER BY blocked DESC, decisions DESC, origin LIMIT 200`,
        },
        {
          kind: 'table',
          id: 12,
          title: 'Routes',
          description: 'Where it happens: a route without CORS stands out by a share near 100 %.',
          width: 12,
          height: 9,
          columns: [
            { name: 'path', title: 'Route', unit: 'text' },
            { name: 'decisions', title: 'Decisions', unit: 'count', width: 100 },
            { name: 'blocked', title: 'Blocked', unit: 'count', width: 90 },
            {
              name: 'blocked_share',
              title: 'Blocked share',
              unit: 'ratio',
              width: 160,
              thresholds: BLOCKED_THRESHOLDS,
              bar: true,
            },
          ],
          sql: `SELECT if(route = '', '(none)', toString(route)) AS path, ${DECISIONS} AS decisions, ${BLOCKED} AS blocked,
      ${BLOCKED_SHARE} AS blocked_share
    FROM ${USAGE} GROUP BY route ORDER BY blocked DESC, decisions DESC, path LIMIT 100`,
        },
        {
          kind: 'table',
          id: 13,
          title: 'Before and after the last deployment',
          description:
            'Blocked share in the range before and since the newest version was first seen, by reason; what grew most comes first. Empty when no version changed.',
          width: 12,
          height: 9,
          columns: [
            { name: 'why', title: 'Reason', unit: 'text' },
            { name: 'before', title: 'Before', unit: 'ratio', width: 100 },
            { name: 'since', title: 'Since', unit: 'ratio', width: 100, thresholds: BLOCKED_THRESHOLDS },
            { name: 'blocked_before', title: 'Blocked before', unit: 'count', width: 120 },
            { name: 'blocked_since', title: 'Blocked since', unit: 'count', width: 120 },
          ],
          sql: `WITH ${LAST_DEPLOYMENT} AS deployed
    SELECT ${reasonTitle('reason')} AS why, ${ratio('blocked_before', 'any(all_before)')} AS before,
      ${ratio('blocked_since', 'any(all_since)')} AS since,
      sumIf(of_reason, not is_since) AS blocked_before, sumIf(of_reason, is_since) AS blocked_since
    FROM (
      SELECT reason, verdict, is_since, of_reason,
        sum(if(is_since, 0, of_reason)) OVER () AS all_before, sum(if(is_since, of_reason, 0)) OVER () AS all_since
      FROM (
        SELECT reason, verdict, time >= deployed AS is_since, ${DECISIONS} AS of_reason
        FROM ${TOTALS} GROUP BY reason, verdict, is_since))
    WHERE verdict = 'blocked' AND deployed > toStartOfHour(${FROM}) AND deployed <= ${TO} AND all_before > 0
    GROUP BY reason ORDER BY ifNull(since, 0) - ifNull(before, 0) DESC, why`,
        },
      ],
    },
    {
      title: 'Versions and preflights',
      collapsed: true,
      panels: [
        {
          kind: 'table',
          id: 14,
          title: 'Versions',
          description: 'Each service.version with its own blocked share; the newest first.',
          width: 12,
          height: 8,
          columns: [
            { name: 'shown', title: 'Version', unit: 'text' },
            { name: 'first_seen', title: 'First seen in range', unit: 'time', width: 170 },
            { name: 'last_seen', title: 'Last seen', unit: 'time', width: 170 },
            { name: 'decisions', title: 'Decisions', unit: 'count', width: 110 },
            {
              name: 'blocked_share',
              title: 'Blocked share',
              unit: 'ratio',
              width: 120,
              thresholds: BLOCKED_THRESHOLDS,
            },
          ],
          sql: `SELECT ${SHOWN_VERSION} AS shown, min(time) AS first_seen, max(time) AS last_seen, ${DECISIONS} AS decisions,
      ${BLOCKED_SHARE} AS blocked_share
    FROM ${TOTALS} GROUP BY version ORDER BY first_seen DESC, shown LIMIT 50`,
        },
        {
          kind: 'time_series',
          id: 15,
          title: 'Preflights and requests',
          description:
            'Per minute. Preflights that grow without the requests: browsers do not keep the answers any more.',
          width: 12,
          height: 8,
          unit: 'per_minute',
          style: 'lines',
          sql: `SELECT ${TIME}, ${perMinute(PREFLIGHTS)} AS "Preflights", ${perMinute(ACTUAL)} AS "Requests"
    FROM ${TOTALS} GROUP BY time ORDER BY time`,
        },
      ],
    },
  ],
};

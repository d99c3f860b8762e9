import type { Dashboard, DashboardLink } from './definition.ts';
import {
  BLOCKED,
  BLOCKED_SHARE,
  DECISIONS,
  OPEN_SINCE,
  perMinute,
  selected,
  TIME,
  usage,
} from './query-text.ts';
import { reasonTitle } from './reason-text.ts';
import {
  blockedShareStat,
  countColumns,
  decisionsByVerdict,
  ENVIRONMENT,
  ORIGIN,
  SERVICE_ID,
  TO_SERVICE,
  UIDS,
} from './shared.ts';

const HERE = `${selected('environment')} AND ${selected('origin')}`;
const USAGE = usage({ where: HERE });
/** Of all services together, each request once. */
const REQUESTS = usage({ where: `${HERE} AND outermost`, of: ['verdict'] });
const BLOCKED_USAGE = usage({ where: `${HERE} AND verdict = 'blocked'`, of: ['service'] });

const TO_REQUESTS: DashboardLink = {
  title: 'Blocked requests',
  uid: UIDS.blockedRequests,
  set: { service: 'service_id' },
  keep: ['environment', 'origin'],
};

export const ORIGIN_DASHBOARD: Dashboard = {
  uid: UIDS.origin,
  title: 'Originscope: origin',
  question: 'What does this origin do everywhere: since when, allowed where, and blocked why?',
  since: '7d',
  variables: [ENVIRONMENT, ORIGIN],
  rows: [
    {
      panels: [
        {
          kind: 'stat',
          id: 1,
          title: 'Origin',
          description: 'As browsers send it: scheme, host and port of the page.',
          width: 9,
          height: 4,
          unit: 'text',
          sql: `SELECT any(origin) AS origin FROM ${usage({ where: HERE, of: ['origin'] })} HAVING count() > 0`,
        },
        {
          kind: 'stat',
          id: 2,
          title: 'First seen',
          description:
            'In the 13 months that usage by the hour is kept, in the environments that are selected.',
          width: 5,
          height: 4,
          unit: 'time',
          sql: `SELECT min(first_seen) AS first_seen
    FROM (
      SELECT min(first_seen) AS first_seen FROM usage_published_hours WHERE ${HERE} HAVING count() > 0
      UNION ALL
      SELECT min(minute) AS first_seen FROM origin_usage WHERE minute >= ${OPEN_SINCE} AND ${HERE} HAVING count() > 0)
    HAVING count() > 0`,
        },
        {
          kind: 'stat',
          id: 3,
          title: 'Decisions',
          description: 'What a gateway and a service both saw counts once.',
          width: 5,
          height: 4,
          unit: 'count',
          sql: `SELECT ${DECISIONS} AS decisions FROM ${REQUESTS}`,
        },
        { ...blockedShareStat(4, REQUESTS), width: 5 },
      ],
    },
    {
      panels: [
        decisionsByVerdict(5, REQUESTS),
        {
          kind: 'time_series',
          id: 6,
          title: 'Blocked, by service',
          description: 'Blocked decisions per minute; the ten services that block it most.',
          width: 12,
          height: 8,
          unit: 'per_minute',
          style: 'stacked_bars',
          sql: `SELECT ${TIME}, service AS series, ${perMinute(DECISIONS)} AS value
    FROM ${BLOCKED_USAGE}
    WHERE service IN (
      SELECT service FROM ${BLOCKED_USAGE}
      GROUP BY service ORDER BY ${DECISIONS} DESC LIMIT 10)
    GROUP BY time, series ORDER BY time, series`,
        },
      ],
    },
    {
      panels: [
        {
          kind: 'table',
          id: 7,
          title: 'Services',
          description:
            'Where the origin is allowed, and where it is blocked. Client networks are counted up to 64, and those whose hashes collide once.',
          width: 24,
          height: 8,
          columns: [
            { name: 'service', title: 'Service', unit: 'text', link: TO_SERVICE },
            ...countColumns(TO_REQUESTS),
            { name: 'routes', title: 'Routes', unit: 'count', width: 90 },
            { name: 'client_prefixes', title: 'Client networks, at least', unit: 'count', width: 150 },
            { name: 'first_seen', title: 'First seen in range', unit: 'time', width: 170 },
            { name: 'last_seen', title: 'Last seen', unit: 'time', width: 170 },
          ],
          sql: `SELECT service, ${DECISIONS} AS decisions, ${BLOCKED} AS blocked, ${BLOCKED_SHARE} AS blocked_share,
      uniqExact(route) AS routes, bitCount(groupBitOr(clients)) AS client_prefixes, min(time) AS first_seen,
      max(time) AS last_seen, ${SERVICE_ID}
    FROM ${USAGE} GROUP BY service ORDER BY blocked DESC, decisions DESC, service LIMIT 100`,
        },
        {
          kind: 'table',
          id: 8,
          title: 'Blocked because',
          description: 'Where, for what, and the header value, method or header name that decided.',
          width: 24,
          height: 9,
          columns: [
            { name: 'service', title: 'Service', unit: 'text', width: 160, link: TO_SERVICE },
            { name: 'path', title: 'Route', unit: 'text' },
            { name: 'kind', title: 'Kind', unit: 'text', width: 90 },
            { name: 'method', title: 'Method', unit: 'text', width: 90 },
            { name: 'why', title: 'Reason', unit: 'text', width: 280 },
            { name: 'detail', title: 'Failing token', unit: 'text', width: 200 },
            { name: 'decisions', title: 'Blocked', unit: 'count', width: 100 },
            { name: 'last_seen', title: 'Last seen', unit: 'time', width: 170 },
          ],
          sql: `SELECT service, if(route = '', '(none)', toString(route)) AS path, kind, method, ${reasonTitle('reason')} AS why, detail,
      ${DECISIONS} AS decisions, max(time) AS last_seen, ${SERVICE_ID}
    FROM ${usage({ where: `${HERE} AND verdict = 'blocked'` })}
    GROUP BY service, route, kind, method, reason, detail ORDER BY decisions DESC, service, path LIMIT 200`,
        },
      ],
    },
  ],
};

import type { Dashboard } from './definition.ts';
import {
  COUNTED_ONCE,
  DECISIONS,
  decisionsWhere,
  FROM,
  hashOf,
  perMinute,
  selected,
  TIME,
  TO,
  usage,
} from './query-text.ts';
import { reasonTitle, remedyText } from './reason-text.ts';
import {
  deployments,
  ENVIRONMENT,
  ORIGIN,
  ORIGIN_ID,
  SERVICE_ID,
  SERVICES,
  TO_ORIGIN,
  TO_SERVICE,
  UIDS,
} from './shared.ts';

const HERE = `${selected('environment')} AND ${selected('service')}
    AND ${selected('origin')} AND ${selected('reason')}`;
const USAGE = usage({
  where: `${HERE} AND ${COUNTED_ONCE}`,
  of: ['service', 'kind', 'reason', 'origin'],
  blocked: true,
});
/** Events begin a little before their minute's end, so both times bound them. */
const EVENTS = `blocked_requests
    WHERE minute >= toStartOfMinute(${FROM}) AND minute <= ${TO} AND time >= ${FROM} AND time <= ${TO} AND ${HERE}`;

const COMBINATION = [
  'kind',
  'method',
  'requested_headers',
  'credentials',
  'status_code',
  'allow_origin',
  'reason',
  'detail',
] as const;

export const BLOCKED_REQUESTS: Dashboard = {
  uid: UIDS.blockedRequests,
  title: 'Originscope: blocked requests',
  question: 'Which requests did browsers block, what was asked and answered, and what has to change?',
  since: '6h',
  variables: [
    ENVIRONMENT,
    SERVICES,
    { ...ORIGIN, multi: true },
    {
      kind: 'query',
      name: 'reason',
      label: 'Reason',
      description: 'Why browsers block',
      sql: `SELECT ${hashOf('reason')} AS value, ${reasonTitle('reason')} AS text
    FROM ${usage({ where: selected('environment'), of: ['reason'], blocked: true })}
    GROUP BY reason ORDER BY ${DECISIONS} DESC, text LIMIT 100`,
      multi: true,
    },
  ],
  annotations: [deployments(`${selected('environment')} AND ${selected('service')}`)],
  rows: [
    {
      panels: [
        {
          kind: 'stat',
          id: 1,
          title: 'Blocked decisions',
          description: 'All of them; the list below has the ones that were kept as single events.',
          width: 6,
          height: 4,
          unit: 'count',
          sql: `SELECT ${DECISIONS} AS blocked FROM ${USAGE}`,
        },
        {
          kind: 'stat',
          id: 2,
          title: 'Blocked preflights',
          description:
            'Of the blocked decisions, preflights: the request that the page wanted was never sent.',
          width: 6,
          height: 4,
          unit: 'count',
          sql: `SELECT ${decisionsWhere(`kind = 'preflight'`)} AS preflights FROM ${USAGE}`,
        },
        {
          kind: 'stat',
          id: 3,
          title: 'Origins',
          description: 'Different origins that were blocked.',
          width: 6,
          height: 4,
          unit: 'count',
          sql: `SELECT uniqExact(origin) AS origins FROM ${USAGE}`,
        },
        {
          kind: 'stat',
          id: 4,
          title: 'Services',
          description: 'Services whose responses were blocked.',
          width: 6,
          height: 4,
          unit: 'count',
          sql: `SELECT uniqExact(service) AS services FROM ${USAGE}`,
        },
      ],
    },
    {
      panels: [
        {
          kind: 'time_series',
          id: 5,
          title: 'Blocked, by reason',
          description: 'Blocked decisions per minute.',
          width: 24,
          height: 7,
          unit: 'per_minute',
          style: 'stacked_bars',
          sql: `SELECT ${TIME}, ${reasonTitle('reason')} AS series, ${perMinute(DECISIONS)} AS value
    FROM ${USAGE} GROUP BY time, series ORDER BY time, series`,
        },
        {
          kind: 'table',
          id: 6,
          title: 'Requests',
          description:
            'The newest 500 that were kept as events (30 days; at high rates some stand for several). Failing token: the header value, method or header name that decided.',
          width: 24,
          height: 14,
          columns: [
            { name: 'time', title: 'Time', unit: 'time', width: 170 },
            { name: 'service', title: 'Service', unit: 'text', width: 130, link: TO_SERVICE },
            { name: 'origin', title: 'Origin', unit: 'text', width: 230, link: TO_ORIGIN },
            { name: 'request', title: 'Request', unit: 'text', width: 230 },
            { name: 'status_code', title: 'Status', unit: 'status', width: 70 },
            { name: 'why', title: 'Reason', unit: 'text', width: 240 },
            { name: 'detail', title: 'Failing token', unit: 'text', width: 150 },
            { name: 'what_to_change', title: 'What to change', unit: 'text' },
            { name: 'decisions', title: 'Times', unit: 'count', width: 70 },
            { name: 'trace_id', title: 'Trace', unit: 'text', width: 120, trace: true },
          ],
          sql: `SELECT time, service, origin,
      concat(if(kind = 'preflight', 'preflight for ', ''), method, ' ', if(path = '', toString(route), path)) AS request,
      status_code, ${reasonTitle('reason')} AS why, detail,
      ${remedyText()} AS what_to_change,
      decisions, link_trace_id AS trace_id, ${SERVICE_ID}, ${ORIGIN_ID}
    FROM ${EVENTS} ORDER BY time DESC, span_id LIMIT 500`,
        },
      ],
    },
    {
      title: 'What was asked and answered',
      collapsed: true,
      panels: [
        {
          kind: 'table',
          id: 7,
          title: 'Combinations',
          description:
            'Blocked decisions by what the page asked for and how the response related to it. Allowed origin: what Access-Control-Allow-Origin was in relation to the Origin.',
          width: 24,
          height: 10,
          columns: [
            { name: 'kind', title: 'Kind', unit: 'text', width: 90 },
            { name: 'method', title: 'Method', unit: 'text', width: 90 },
            { name: 'requested_headers', title: 'Requested headers', unit: 'text' },
            { name: 'credentials', title: 'Credentials', unit: 'text', width: 110 },
            { name: 'status_code', title: 'Status', unit: 'status', width: 80 },
            { name: 'allow_origin', title: 'Allowed origin', unit: 'text', width: 120 },
            { name: 'why', title: 'Reason', unit: 'text', width: 280 },
            { name: 'detail', title: 'Failing token', unit: 'text', width: 200 },
            { name: 'blocked', title: 'Blocked', unit: 'count', width: 100 },
          ],
          sql: `SELECT kind, method, requested_headers, credentials, status_code, allow_origin, ${reasonTitle('reason')} AS why, detail,
      ${DECISIONS} AS blocked
    FROM ${usage({ where: `${HERE} AND ${COUNTED_ONCE}`, of: COMBINATION, blocked: true })}
    GROUP BY ${COMBINATION.join(', ')}
    ORDER BY blocked DESC, method, requested_headers LIMIT 200`,
        },
      ],
    },
  ],
};

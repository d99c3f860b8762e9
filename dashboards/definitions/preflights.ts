import type { Dashboard } from './definition.ts';
import {
  COUNTED_ONCE,
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
import { ENVIRONMENT, SERVICE_ID, SERVICES, TO_SERVICE, UIDS } from './shared.ts';

const HERE = `${selected('environment')} AND ${selected('service')} AND ${COUNTED_ONCE}`;
const USAGE = usage({ where: HERE, of: ['kind', 'verdict'] });
const IS_PREFLIGHT = `${HERE} AND kind = 'preflight'`;
const PREFLIGHT_USAGE = usage({ where: IS_PREFLIGHT, of: ['kind', 'verdict', 'max_age'] });
const PREFLIGHTS = decisionsWhere(`kind = 'preflight'`);
const REQUESTS = decisionsWhere(`kind = 'actual'`);
const FAILED = decisionsWhere(`kind = 'preflight' AND verdict = 'blocked'`);
const FAILED_THRESHOLDS = { warning: 0.05, critical: 0.2 };

/** Where a longer range would tell nothing else, but take seconds. */
const LAST_DAY = `greatest(${FROM}, ${TO} - 86400)`;

/** Chrome keeps no preflight longer. */
const LONGEST_KEPT = 7200;

/**
 * Allowed preflights by route, and how many would have been needed had browsers kept them for two hours: one for
 * each client that asked the same in that time. Clients are counted by the bits of their networks' hashes (linear
 * counting); where there are none, or all bits are set, no preflight is called avoidable.
 */
const AVOIDABLE_BY_ROUTE = `(
      SELECT service, route, sum(asked) AS preflights, sum(asked - needed) AS avoidable
      FROM (
        SELECT service, route, ${DECISIONS} AS asked, bitCount(groupBitOr(clients)) AS bits,
          toUInt64(if(bits IN (0, 64), asked, least(toFloat64(asked), ceil(-64 * log(1 - least(bits, 63) / 64))))) AS needed
        FROM ${usage({ where: `${IS_PREFLIGHT} AND verdict = 'allowed'`, from: LAST_DAY })}
        GROUP BY service, route, origin, method, requested_headers,
          toStartOfInterval(usage.time, toIntervalSecond(${LONGEST_KEPT}), 'UTC'))
      GROUP BY service, route)`;

const MAX_AGE = `multiIf(max_age < 0, 'none: 5 s', max_age = 0, '0: not kept', max_age <= 60, 'up to 1 min',
      max_age <= 600, 'up to 10 min', max_age < ${LONGEST_KEPT}, 'up to 2 h', '2 h and more')`;

export const PREFLIGHTS_DASHBOARD: Dashboard = {
  uid: UIDS.preflights,
  title: 'Originscope: preflights',
  question: 'How many round trips do preflights cost, what forces them, and which could browsers spare?',
  since: '24h',
  variables: [ENVIRONMENT, SERVICES],
  rows: [
    {
      panels: [
        {
          kind: 'stat',
          id: 1,
          title: 'Preflight share',
          description: 'Of all decisions, the share that are preflights: round trips before a request.',
          width: 5,
          height: 4,
          unit: 'ratio',
          sql: `SELECT ${ratio(PREFLIGHTS, DECISIONS)} AS preflight_share FROM ${USAGE}`,
        },
        {
          kind: 'stat',
          id: 2,
          title: 'Preflights per request',
          description: 'At 1 each request costs two round trips; near 0 browsers keep the answers.',
          width: 5,
          height: 4,
          unit: 'factor',
          decimals: 2,
          sql: `SELECT ${ratio(PREFLIGHTS, REQUESTS)} AS preflights_per_request FROM ${USAGE}`,
        },
        {
          kind: 'stat',
          id: 3,
          title: 'Failed share',
          description: 'Of all preflights, the share that browsers block.',
          width: 4,
          height: 4,
          unit: 'ratio',
          thresholds: FAILED_THRESHOLDS,
          sql: `SELECT ${ratio(FAILED, DECISIONS)} AS failed_share FROM ${PREFLIGHT_USAGE}`,
        },
        {
          kind: 'stat',
          id: 4,
          title: 'Without Max-Age',
          description:
            'Of the allowed preflights, the share whose answer has no Access-Control-Max-Age, or 0: browsers keep it for 5 seconds, or not at all.',
          width: 5,
          height: 4,
          unit: 'ratio',
          thresholds: { warning: 0.5, critical: 0.9 },
          sql: `SELECT ${ratio(decisionsWhere('max_age <= 0'), DECISIONS)} AS without_max_age
    FROM ${usage({ where: `${IS_PREFLIGHT} AND verdict = 'allowed'`, of: ['max_age'] })}`,
        },
        {
          kind: 'stat',
          id: 5,
          title: 'Avoidable',
          description:
            'Estimate, of the last day of the range: allowed preflights that a Max-Age of two hours, the longest that Chrome keeps, would spare. An upper bound, because several browsers of one network count as one client.',
          width: 5,
          height: 4,
          unit: 'ratio',
          sql: `SELECT ${ratio('sum(avoidable)', 'sum(preflights)')} AS avoidable FROM ${AVOIDABLE_BY_ROUTE}`,
        },
      ],
    },
    {
      panels: [
        {
          kind: 'time_series',
          id: 6,
          title: 'Preflights and requests',
          description:
            'Per minute. Preflights that grow without the requests: browsers do not keep the answers any more.',
          width: 12,
          height: 8,
          unit: 'per_minute',
          style: 'lines',
          colors: { Failed: 'red' },
          sql: `SELECT ${TIME}, ${perMinute(PREFLIGHTS)} AS "Preflights", ${perMinute(REQUESTS)} AS "Requests",
      ${perMinute(FAILED)} AS "Failed"
    FROM ${USAGE} GROUP BY time ORDER BY time`,
        },
        {
          kind: 'time_series',
          id: 7,
          title: 'Preflights by Max-Age',
          description:
            'Per minute, by the Access-Control-Max-Age of the answer: how long browsers may keep it.',
          width: 12,
          height: 8,
          unit: 'per_minute',
          style: 'stacked_bars',
          sql: `SELECT ${TIME}, ${MAX_AGE} AS series, ${perMinute(DECISIONS)} AS value
    FROM ${PREFLIGHT_USAGE} GROUP BY time, series ORDER BY time, series`,
        },
      ],
    },
    {
      panels: [
        {
          kind: 'table',
          id: 8,
          title: 'What a longer Max-Age would spare',
          description:
            'Allowed preflights of the last day of the range by route, and how many of them a Max-Age of two hours would spare at most (see "Avoidable").',
          width: 24,
          height: 9,
          columns: [
            { name: 'service', title: 'Service', unit: 'text', width: 180, link: TO_SERVICE },
            { name: 'path', title: 'Route', unit: 'text' },
            { name: 'preflights', title: 'Allowed preflights', unit: 'count', width: 150 },
            { name: 'avoidable', title: 'Avoidable', unit: 'count', width: 110 },
            { name: 'share', title: 'Avoidable share', unit: 'ratio', width: 220, bar: true },
          ],
          sql: `SELECT service, if(route = '', '(none)', toString(route)) AS path, preflights, avoidable,
      ${ratio('avoidable', 'preflights')} AS share, ${SERVICE_ID}
    FROM ${AVOIDABLE_BY_ROUTE} ORDER BY avoidable DESC, preflights DESC, service, path LIMIT 100`,
        },
        {
          kind: 'table',
          id: 9,
          title: 'What forces preflights',
          description:
            'Headers and methods that pages asked for in the last day of the range. A header that nobody needs, such as a tracing library adds, costs a round trip.',
          width: 12,
          height: 9,
          columns: [
            { name: 'what', title: 'Asked for', unit: 'text', width: 110 },
            { name: 'name', title: 'Name', unit: 'text' },
            { name: 'preflights', title: 'Preflights', unit: 'count', width: 110 },
            {
              name: 'failed_share',
              title: 'Failed share',
              unit: 'ratio',
              width: 160,
              thresholds: FAILED_THRESHOLDS,
              bar: true,
            },
          ],
          sql: `SELECT asked.1 AS what, asked.2 AS name, sum(of_key) AS preflights, ${ratio('sum(failed_of_key)', 'preflights')} AS failed_share
    FROM (
      SELECT method, requested_headers, ${DECISIONS} AS of_key, ${FAILED} AS failed_of_key
      FROM ${usage({ where: IS_PREFLIGHT, from: LAST_DAY })} GROUP BY method, requested_headers)
    ARRAY JOIN arrayConcat(
      if(method IN ('GET', 'HEAD', 'POST'), [], [('method', toString(method))]),
      arrayMap(header -> ('header', header), arrayFilter(header -> header != '', splitByChar(',', requested_headers)))) AS asked
    GROUP BY what, name ORDER BY preflights DESC, what, name LIMIT 100`,
        },
        {
          kind: 'table',
          id: 10,
          title: 'Failed preflights',
          description: 'Why preflights are blocked, and for the want of which token.',
          width: 12,
          height: 9,
          columns: [
            { name: 'service', title: 'Service', unit: 'text', width: 150, link: TO_SERVICE },
            { name: 'why', title: 'Reason', unit: 'text' },
            { name: 'detail', title: 'Failing token', unit: 'text', width: 160 },
            { name: 'failed', title: 'Failed', unit: 'count', width: 90 },
          ],
          sql: `SELECT service, ${reasonTitle('reason')} AS why, detail, ${DECISIONS} AS failed, ${SERVICE_ID}
    FROM ${usage({ where: IS_PREFLIGHT, of: ['service', 'reason', 'detail'], blocked: true })}
    GROUP BY service, reason, detail ORDER BY failed DESC, service, why LIMIT 100`,
        },
      ],
    },
  ],
};

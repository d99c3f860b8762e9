import type { Dashboard } from './definition.ts';
import { IS_OPEN, incidentMarks, incidents } from './incident-text.ts';
import {
  BLOCKED,
  BLOCKED_SHARE,
  DECISIONS,
  decisionsWhere,
  FROM,
  OPEN_SINCE,
  ratio,
  selected,
  usage,
} from './query-text.ts';
import { reasonTitle } from './reason-text.ts';
import {
  BLOCKED_THRESHOLDS,
  blockedByReason,
  blockedShareStat,
  decisionsByVerdict,
  deployments,
  ENVIRONMENT,
  ORIGIN_ID,
  SERVICE_ID,
  TO_ORIGIN,
  TO_SERVICE,
  UIDS,
} from './shared.ts';

const HERE = selected('environment');
/** Of all services together, each request once. */
const REQUESTS = usage({ where: `${HERE} AND outermost`, of: ['kind', 'verdict'] });
const OF_SERVICES = usage({ where: HERE, of: ['service', 'kind', 'verdict'] });
const OF_ORIGINS = usage({ where: HERE, of: ['origin', 'service', 'verdict'], firstTimes: true });
const FAILED_PREFLIGHTS = decisionsWhere(`kind = 'preflight' AND verdict = 'blocked'`);

/** Origins of the range that nobody saw in the 30 days before. */
const NEW_ORIGINS = `origin NOT IN (
      SELECT origin FROM usage_published_hours
      WHERE hour >= toStartOfHour(${FROM}) - INTERVAL 30 DAY AND hour < toStartOfHour(${FROM}) AND ${HERE} GROUP BY origin
      UNION ALL
      SELECT origin FROM origin_usage
      WHERE minute >= greatest(${OPEN_SINCE}, toStartOfHour(${FROM}) - INTERVAL 30 DAY) AND minute < toStartOfHour(${FROM}) AND ${HERE})`;

export const OVERVIEW: Dashboard = {
  uid: UIDS.overview,
  title: 'Originscope: overview',
  question: 'Do pages of other origins reach our services, and where should I look next?',
  since: '24h',
  variables: [ENVIRONMENT],
  annotations: [incidentMarks(HERE), deployments(HERE)],
  rows: [
    {
      panels: [
        {
          kind: 'stat',
          id: 1,
          title: 'Decisions',
          description:
            'Cross-origin requests and preflights that browsers decided about. What a gateway and a service both saw counts once.',
          width: 4,
          height: 4,
          unit: 'count',
          sql: `SELECT ${DECISIONS} AS decisions FROM ${REQUESTS}`,
        },
        blockedShareStat(2, REQUESTS),
        {
          kind: 'stat',
          id: 3,
          title: 'Failed preflights',
          description:
            'Preflights that were blocked: after each of them the browser never sent the request that the page wanted.',
          width: 4,
          height: 4,
          unit: 'count',
          sql: `SELECT ${FAILED_PREFLIGHTS} AS failed_preflights FROM ${REQUESTS}`,
        },
        {
          kind: 'stat',
          id: 4,
          title: 'New origins',
          description: 'Origins in this range that were not seen in the 30 days before it.',
          width: 4,
          height: 4,
          unit: 'count',
          sql: `SELECT uniqExact(origin) AS new_origins FROM ${OF_ORIGINS} WHERE ${NEW_ORIGINS}`,
        },
        {
          kind: 'stat',
          id: 5,
          title: 'Services',
          description: 'Services that decisions were recorded for.',
          width: 4,
          height: 4,
          unit: 'count',
          sql: `SELECT uniqExact(service) AS services FROM ${OF_SERVICES}`,
        },
        {
          kind: 'stat',
          id: 11,
          title: 'Open incidents',
          description:
            'Of the analyzer, at the end of the range; the dashboard of incidents has their evidence.',
          width: 4,
          height: 4,
          unit: 'count',
          thresholds: { warning: 1, critical: 5 },
          sql: `SELECT countIf(${IS_OPEN}) AS open_incidents FROM ${incidents(HERE)}`,
        },
      ],
    },
    {
      panels: [
        decisionsByVerdict(
          6,
          REQUESTS,
          ' Unknown: what the browser does depends on something that the request does not show.',
        ),
        blockedByReason(7, usage({ where: `${HERE} AND outermost`, of: ['reason'], blocked: true })),
      ],
    },
    {
      panels: [
        {
          kind: 'table',
          id: 8,
          title: 'Services',
          description:
            'Every service with all that it saw itself; behind a gateway the same requests are in the rows of both.',
          width: 24,
          height: 9,
          columns: [
            { name: 'service', title: 'Service', unit: 'text', link: TO_SERVICE },
            { name: 'decisions', title: 'Decisions', unit: 'count', width: 120 },
            {
              name: 'blocked_share',
              title: 'Blocked share',
              unit: 'ratio',
              width: 240,
              thresholds: BLOCKED_THRESHOLDS,
              bar: true,
            },
            { name: 'blocked', title: 'Blocked', unit: 'count', width: 110 },
            { name: 'unknown', title: 'Unknown', unit: 'count', width: 110 },
            { name: 'failed_preflights', title: 'Failed preflights', unit: 'count', width: 140 },
          ],
          sql: `SELECT service, ${DECISIONS} AS decisions, ${BLOCKED_SHARE} AS blocked_share, ${BLOCKED} AS blocked,
      ${decisionsWhere(`verdict = 'unknown'`)} AS unknown, ${FAILED_PREFLIGHTS} AS failed_preflights, ${SERVICE_ID}
    FROM ${OF_SERVICES} GROUP BY service ORDER BY blocked DESC, decisions DESC, service LIMIT 100`,
        },
      ],
    },
    {
      panels: [
        {
          kind: 'table',
          id: 9,
          title: 'Most blocked',
          description: 'Which origin is blocked where, and why: the most frequent first.',
          width: 14,
          height: 10,
          columns: [
            { name: 'origin', title: 'Origin', unit: 'text', link: TO_ORIGIN },
            { name: 'service', title: 'Service', unit: 'text', width: 150, link: TO_SERVICE },
            { name: 'why', title: 'Reason', unit: 'text', width: 260 },
            { name: 'blocked', title: 'Blocked', unit: 'count', width: 100 },
            { name: 'share', title: 'Of all blocked', unit: 'ratio', width: 120 },
          ],
          sql: `SELECT origin, service, ${reasonTitle('reason')} AS why, ${DECISIONS} AS blocked,
      ${ratio('blocked', 'sum(blocked) OVER ()')} AS share, ${ORIGIN_ID}, ${SERVICE_ID}
    FROM ${usage({ where: `${HERE} AND outermost`, of: ['origin', 'service', 'reason'], firstTimes: true, blocked: true })}
    GROUP BY origin, service, reason ORDER BY blocked DESC, origin, service LIMIT 50`,
        },
        {
          kind: 'table',
          id: 10,
          title: 'New origins',
          description:
            'Origins that were not seen in the 30 days before the range: a new page, a renamed one, or somebody who tries.',
          width: 10,
          height: 10,
          columns: [
            { name: 'origin', title: 'Origin', unit: 'text', link: TO_ORIGIN },
            { name: 'first_seen', title: 'First seen', unit: 'time', width: 170 },
            { name: 'services', title: 'Services', unit: 'count', width: 90 },
            { name: 'decisions', title: 'Decisions', unit: 'count', width: 100 },
            {
              name: 'blocked_share',
              title: 'Blocked share',
              unit: 'ratio',
              width: 120,
              thresholds: BLOCKED_THRESHOLDS,
            },
          ],
          sql: `SELECT origin, min(time) AS first_seen, uniqExact(service) AS services, ${DECISIONS} AS decisions,
      ${BLOCKED_SHARE} AS blocked_share, ${ORIGIN_ID}
    FROM ${OF_ORIGINS} WHERE ${NEW_ORIGINS}
    GROUP BY origin ORDER BY first_seen DESC, decisions DESC LIMIT 100`,
        },
      ],
    },
  ],
};

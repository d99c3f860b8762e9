import { BLOCKED, DECISIONS, decisionsWhere, FROM, ratio, TO, usage } from './query-text.ts';
import { UIDS } from './shared.ts';

/** A rule that Grafana evaluates itself, for those who do not run the analyzer. */
export interface AlertRule {
  /** Never changed once released. */
  readonly uid: string;
  readonly title: string;
  /** One sentence; `{{ $labels.service }}` stands for a label. */
  readonly summary: string;
  readonly description: string;
  readonly severity: 'warning' | 'critical';
  /** How far back the statement looks, seconds. */
  readonly windowSeconds: number;
  /** Rows with labels as text, and one number, `value`. */
  readonly sql: string;
  /** The rule fires for rows above it. */
  readonly above: number;
  /** For how long, before anybody is told. */
  readonly forSeconds: number;
  /** What to look at. */
  readonly panel: { readonly uid: string; readonly id: number };
}

const MINUTE = 60;
const HOUR = 3600;
const EVERYWHERE = usage({ where: '1' });
const BY_SERVICE = 'GROUP BY service, environment ORDER BY service, environment';
/** Below so many blocked decisions a share says little. */
const FEW = 20;
/** The one that the dashboard of a service offers first. */
export const OBJECTIVE = 0.99;

/**
 * Burn rate of the objective over two windows, of which the lower one counts: the long one says that it matters,
 * the short one that it still goes on. Factors and windows are those of the Google SRE workbook, "Alerting on SLOs".
 */
function burnRate(shortSeconds: number): string {
  const burn = (condition: string) =>
    `ifNull(${ratio(decisionsWhere(`verdict = 'blocked' AND ${condition}`), decisionsWhere(condition))}, 0) / (1 - ${OBJECTIVE})`;
  return `SELECT service, environment,
      if(${BLOCKED} < ${FEW}, 0, least(${burn('1')}, ${burn(`usage.time >= ${TO} - ${shortSeconds}`)})) AS value
    FROM ${usage({ where: `browser AND verdict != 'unknown'` })} ${BY_SERVICE}`;
}

export const ALERT_RULES: readonly AlertRule[] = [
  {
    uid: 'originscope-blocked-share',
    title: 'High blocked share',
    summary: 'Browsers block more than a fifth of the cross-origin requests to {{ $labels.service }}.',
    description: `In the last 15 minutes, and at least ${FEW} of them.`,
    severity: 'warning',
    windowSeconds: 15 * MINUTE,
    sql: `SELECT service, environment, if(${BLOCKED} < ${FEW}, 0, ${BLOCKED} / ${DECISIONS}) AS value
    FROM ${EVERYWHERE} ${BY_SERVICE}`,
    above: 0.2,
    forSeconds: 5 * MINUTE,
    panel: { uid: UIDS.service, id: 8 },
  },
  {
    uid: 'originscope-failed-preflights',
    title: 'Failed preflights have multiplied',
    summary: 'Five times as many preflights to {{ $labels.service }} fail as in the six hours before.',
    description: `In the last 15 minutes, and at least ${FEW} of them. Usually a page asks for a new header or method, or a deployment changed what is allowed.`,
    severity: 'warning',
    windowSeconds: 6 * HOUR + 15 * MINUTE,
    sql: `SELECT service, environment, if(recent < ${FEW}, 0, recent / greatest(1, before / 24)) AS value
    FROM (
      SELECT service, environment, ${decisionsWhere(`usage.time >= ${TO} - 900`)} AS recent,
        ${decisionsWhere(`usage.time < ${TO} - 900`)} AS before
      FROM ${usage({ where: `kind = 'preflight' AND verdict = 'blocked'` })} GROUP BY service, environment)
    ORDER BY service, environment`,
    above: 5,
    forSeconds: 5 * MINUTE,
    panel: { uid: UIDS.preflights, id: 10 },
  },
  {
    uid: 'originscope-objective-burns-fast',
    title: 'The error budget burns fast',
    summary: `{{ $labels.service }} uses up its error budget 14 times as fast as ${OBJECTIVE * 100} % allowed browser requests permit.`,
    description: 'Over the last hour and over the last five minutes: a budget of 30 days is gone in two.',
    severity: 'critical',
    windowSeconds: HOUR,
    sql: burnRate(5 * MINUTE),
    above: 14.4,
    forSeconds: 2 * MINUTE,
    panel: { uid: UIDS.service, id: 9 },
  },
  {
    uid: 'originscope-objective-burns-slowly',
    title: 'The error budget burns',
    summary: `{{ $labels.service }} uses up its error budget 6 times as fast as ${OBJECTIVE * 100} % allowed browser requests permit.`,
    description: 'Over the last six hours and over the last 30 minutes: a budget of 30 days is gone in five.',
    severity: 'warning',
    windowSeconds: 6 * HOUR,
    sql: burnRate(30 * MINUTE),
    above: 6,
    forSeconds: 15 * MINUTE,
    panel: { uid: UIDS.service, id: 9 },
  },
  {
    uid: 'originscope-incomplete',
    title: 'Decisions are missing',
    summary: 'More than 5 % of what {{ $labels.service }} observed has not arrived.',
    description: 'Of the last three hours. All counts of the service are too low.',
    severity: 'warning',
    windowSeconds: 3 * HOUR,
    sql: `SELECT service, greatest(0, 1 - ifNull(${ratio('sum(received)', 'sum(observed)')}, 1)) AS value
    FROM completeness WHERE hour >= toStartOfHour(${FROM}) AND hour <= ${TO} GROUP BY service ORDER BY service`,
    above: 0.05,
    forSeconds: 15 * MINUTE,
    panel: { uid: UIDS.pipelineHealth, id: 6 },
  },
  {
    uid: 'originscope-nothing-arrives',
    title: 'No decisions arrive',
    summary: 'No decision of any service has arrived for half an hour.',
    description: 'The newest one of the last six hours is too old, or there is none.',
    severity: 'critical',
    windowSeconds: 6 * HOUR,
    sql: `SELECT ${TO} - if(count() = 0, ${FROM}, max(usage.time)) AS value FROM ${EVERYWHERE}`,
    above: 30 * MINUTE,
    forSeconds: 5 * MINUTE,
    panel: { uid: UIDS.pipelineHealth, id: 2 },
  },
  {
    uid: 'originscope-unpublished',
    title: 'Slots are not published',
    summary: 'No process publishes closed slots, or it cannot.',
    description:
      'More than three slots of ten minutes are closed and not published. Counts are right, and slower to read.',
    severity: 'warning',
    windowSeconds: HOUR,
    sql: `SELECT count() AS value FROM slots WHERE run = 0 AND slot <= ${TO} - INTERVAL 12 MINUTE`,
    above: 3,
    forSeconds: 15 * MINUTE,
    panel: { uid: UIDS.pipelineHealth, id: 3 },
  },
  {
    uid: 'originscope-analyzer-heartbeat',
    title: 'The analyzer has stopped',
    summary: 'The analyzer has analyzed no minute for ten minutes: nothing is detected.',
    description: 'Of installations that have an analyzer. It does not run, or cannot read from ClickHouse.',
    severity: 'critical',
    windowSeconds: HOUR,
    sql: `SELECT ${TO} - max(minute) - 60 AS value FROM analyzed_minutes HAVING count() > 0`,
    above: 10 * MINUTE,
    forSeconds: 5 * MINUTE,
    panel: { uid: UIDS.incidents, id: 5 },
  },
];

import type { Dashboard, QueryVariable } from './definition.ts';
import {
  BLOCKED,
  BLOCKED_SHARE,
  DECISIONS,
  FROM,
  namesOf,
  perMinute,
  ratio,
  selected,
  TIME,
  TO,
  usage,
} from './query-text.ts';
import { BLOCKED_THRESHOLDS, ENVIRONMENT, SERVICE, UIDS } from './shared.ts';

const HERE = `${selected('environment')} AND ${selected('service')}`;
const A = `${HERE} AND ${selected('version', 'version_a')} AND ${selected('origin', 'origin_a')}`;
const B = `${HERE} AND ${selected('version', 'version_b')} AND ${selected('origin', 'origin_b')}`;
/** A minute more than the range, so that no minute is in both. */
const SHIFT = `{period:Float64} * (${TO} - ${FROM} + 60)`;
const TOTALS_A = usage({ where: A, of: ['verdict'] });
const USAGE_A = usage({ where: A });
const SIDE_B = { where: B, from: `(${FROM} - ${SHIFT})`, to: `(${TO} - ${SHIFT})` };
const TOTALS_B = usage({ ...SIDE_B, of: ['verdict'] });
const USAGE_B = usage(SIDE_B);

/** Attributes that may explain a block, as text. */
const ATTRIBUTES: readonly (readonly [name: string, expression: string])[] = [
  ['origin', 'origin'],
  ['route', 'route'],
  ['version', 'version'],
  ['API host', 'api_host'],
  ['environment', 'environment'],
  ['kind', 'kind'],
  ['method', 'method'],
  ['requested headers', 'requested_headers'],
  ['credentials', 'credentials'],
  ['status', 'toString(status_code)'],
  ['site', 'site'],
  ['browser', `if(browser, 'yes', 'no')`],
];

/** Blocked and all decisions of a side by attribute and value, each with the sum of the side. */
function byValue(side: string): string {
  const columns = ATTRIBUTES.map(([, expression], index) => `${expression} AS a${index}`);
  const keys = ATTRIBUTES.map((_, index) => `a${index}`);
  const pairs = ATTRIBUTES.map(([name], index) => `('${name}', toString(a${index}))`);
  return `(
      SELECT pair.1 AS attribute, if(pair.2 = '', '(none)', pair.2) AS value, sum(of_key) AS all, sum(blocked_of_key) AS blocked,
        sum(all) OVER (PARTITION BY attribute) AS side_all, sum(blocked) OVER (PARTITION BY attribute) AS side_blocked
      FROM (SELECT ${columns.join(', ')}, ${DECISIONS} AS of_key, ${BLOCKED} AS blocked_of_key
        FROM ${side} GROUP BY ${keys.join(', ')})
      ARRAY JOIN [${pairs.join(', ')}] AS pair
      GROUP BY attribute, value)`;
}

const side = (of: QueryVariable, name: string, label: string, sql: string): QueryVariable => ({
  ...of,
  name,
  label,
  sql,
  multi: true,
});

const VERSION: QueryVariable = {
  kind: 'query',
  name: 'version',
  label: 'Version',
  description: 'service.version; the busiest first',
  sql: namesOf('version', HERE),
  multi: true,
};
const ORIGIN_HERE: QueryVariable = {
  kind: 'query',
  name: 'origin',
  label: 'Origin',
  description: 'Origin of the pages; the busiest first',
  sql: namesOf('origin', HERE),
  multi: true,
};

export const WHAT_DIFFERS: Dashboard = {
  uid: UIDS.whatDiffers,
  title: 'Originscope: what differs',
  question: 'What do blocked requests have in common, and how do two versions, origins or periods differ?',
  since: '24h',
  variables: [
    ENVIRONMENT,
    SERVICE,
    side(VERSION, 'version_a', 'A: version', VERSION.sql),
    side(ORIGIN_HERE, 'origin_a', 'A: origin', ORIGIN_HERE.sql),
    side(VERSION, 'version_b', 'B: version', VERSION.sql),
    side(ORIGIN_HERE, 'origin_b', 'B: origin', ORIGIN_HERE.sql),
    {
      kind: 'choice',
      name: 'period',
      label: 'B: period',
      description: 'Whether B is the range itself, or the one of the same length before it',
      choices: [
        { text: 'The range before', value: 1 },
        { text: 'The same range', value: 0 },
      ],
    },
  ],
  rows: [
    {
      panels: [
        {
          kind: 'stat',
          id: 1,
          title: 'A: decisions',
          description: 'Decisions of side A.',
          width: 6,
          height: 4,
          unit: 'count',
          sql: `SELECT ${DECISIONS} AS decisions FROM ${TOTALS_A}`,
        },
        {
          kind: 'stat',
          id: 2,
          title: 'A: blocked share',
          description: 'Share of the decisions of side A that are blocked.',
          width: 6,
          height: 4,
          unit: 'ratio',
          thresholds: BLOCKED_THRESHOLDS,
          sql: `SELECT ${BLOCKED_SHARE} AS blocked_share FROM ${TOTALS_A}`,
        },
        {
          kind: 'stat',
          id: 3,
          title: 'B: decisions',
          description: 'Decisions of side B.',
          width: 6,
          height: 4,
          unit: 'count',
          sql: `SELECT ${DECISIONS} AS decisions FROM ${TOTALS_B}`,
        },
        {
          kind: 'stat',
          id: 4,
          title: 'B: blocked share',
          description: 'Share of the decisions of side B that are blocked.',
          width: 6,
          height: 4,
          unit: 'ratio',
          thresholds: BLOCKED_THRESHOLDS,
          sql: `SELECT ${BLOCKED_SHARE} AS blocked_share FROM ${TOTALS_B}`,
        },
      ],
    },
    {
      panels: [
        {
          kind: 'time_series',
          id: 5,
          title: 'Blocked share, A and B',
          description: 'The range before is drawn over this one.',
          width: 12,
          height: 8,
          unit: 'ratio',
          style: 'lines',
          thresholds: BLOCKED_THRESHOLDS,
          sql: `SELECT time, maxIf(share, side = 'A') AS "A", maxIf(share, side = 'B') AS "B"
    FROM (
      SELECT 'A' AS side, ${TIME}, ${BLOCKED_SHARE} AS share FROM ${TOTALS_A} GROUP BY time
      UNION ALL
      SELECT 'B' AS side, ${TIME.replace('usage.time', `usage.time + ${SHIFT}`)}, ${BLOCKED_SHARE} AS share
      FROM ${TOTALS_B} GROUP BY time)
    GROUP BY time ORDER BY time`,
        },
        {
          kind: 'time_series',
          id: 6,
          title: 'Blocked decisions, A and B',
          description: 'Per minute. The range before is drawn over this one.',
          width: 12,
          height: 8,
          unit: 'per_minute',
          style: 'lines',
          sql: `SELECT time, sumIf(blocked, side = 'A') AS "A", sumIf(blocked, side = 'B') AS "B"
    FROM (
      SELECT 'A' AS side, ${TIME}, ${perMinute(BLOCKED)} AS blocked FROM ${TOTALS_A} GROUP BY time
      UNION ALL
      SELECT 'B' AS side, ${TIME.replace('usage.time', `usage.time + ${SHIFT}`)}, ${perMinute(BLOCKED)} AS blocked
      FROM ${TOTALS_B} GROUP BY time)
    GROUP BY time ORDER BY time`,
        },
      ],
    },
    {
      panels: [
        {
          kind: 'table',
          id: 7,
          title: 'A: over-represented among the blocked',
          description:
            'Values that blocked decisions have more often than all decisions do: 100 % of the blocked and 10 % of all points at the cause.',
          width: 24,
          height: 10,
          columns: [
            { name: 'attribute', title: 'Attribute', unit: 'text', width: 150 },
            { name: 'value', title: 'Value', unit: 'text' },
            { name: 'of_blocked', title: 'Of the blocked', unit: 'ratio', width: 200, bar: true },
            { name: 'of_all', title: 'Of all', unit: 'ratio', width: 200, bar: true },
            { name: 'times', title: 'Times over', unit: 'factor', width: 100 },
            { name: 'blocked', title: 'Blocked', unit: 'count', width: 100 },
          ],
          sql: `SELECT attribute, value, ${ratio('blocked', 'side_blocked')} AS of_blocked, ${ratio('all', 'side_all')} AS of_all,
      ${ratio('of_blocked', 'of_all')} AS times, blocked
    FROM ${byValue(USAGE_A)}
    WHERE blocked > 0 AND blocked / side_blocked > all / side_all
    ORDER BY of_blocked - of_all DESC, attribute, value LIMIT 100`,
        },
        {
          kind: 'table',
          id: 8,
          title: 'A against B',
          description:
            'Blocked share of each value on both sides; what contributes most to the difference of the two sides comes first.',
          width: 24,
          height: 10,
          columns: [
            { name: 'attribute', title: 'Attribute', unit: 'text', width: 150 },
            { name: 'value', title: 'Value', unit: 'text' },
            {
              name: 'share_a',
              title: 'A: blocked share',
              unit: 'ratio',
              width: 160,
              thresholds: BLOCKED_THRESHOLDS,
            },
            {
              name: 'share_b',
              title: 'B: blocked share',
              unit: 'ratio',
              width: 160,
              thresholds: BLOCKED_THRESHOLDS,
            },
            { name: 'blocked_a', title: 'A: blocked', unit: 'count', width: 110 },
            { name: 'blocked_b', title: 'B: blocked', unit: 'count', width: 110 },
            { name: 'contribution', title: 'Contribution', unit: 'ratio', width: 120 },
          ],
          sql: `SELECT attribute, value, ${ratio('a.blocked', 'a.all')} AS share_a, ${ratio('b.blocked', 'b.all')} AS share_b,
      a.blocked AS blocked_a, b.blocked AS blocked_b,
      ifNull(${ratio('a.blocked', 'a.side_all')}, 0) - ifNull(${ratio('b.blocked', 'b.side_all')}, 0) AS contribution
    FROM ${byValue(USAGE_A)} AS a
    FULL OUTER JOIN ${byValue(USAGE_B)} AS b USING (attribute, value)
    WHERE blocked_a + blocked_b > 0
    ORDER BY abs(contribution) DESC, attribute, value LIMIT 100`,
        },
      ],
    },
  ],
};

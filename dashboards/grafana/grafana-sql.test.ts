import { describe, expect, test } from 'vitest';
import { expandQuery } from '../../test/support/grafana-macros.ts';
import type { Variable } from '../definitions/definition.ts';
import { FROM, selected, TO } from '../definitions/query-text.ts';
import { grafanaSql } from './grafana-sql.ts';

const CONTEXT = {
  from: Date.UTC(2026, 4, 1, 10, 30) + 250,
  to: Date.UTC(2026, 4, 2, 11) + 750,
  intervalMillis: 90_000,
};
const S = CONTEXT.from / 1000 - 0.25;
const E = CONTEXT.to / 1000 - 0.75;

describe('macros of the plugin, as the tests expand them', () => {
  test.each([
    ['$__timeFilter(c)', `c >= toDateTime(${S}) AND c <= toDateTime(${E})`],
    [
      '$__timeFilter_ms(c)',
      `c >= fromUnixTimestamp64Milli(${CONTEXT.from}) AND c <= fromUnixTimestamp64Milli(${CONTEXT.to})`,
    ],
    ['$__dateFilter(c)', `c >= toDate('2026-05-01') AND c <= toDate('2026-05-02')`],
    [
      '$__dateTimeFilter(d, t)',
      `(d >= toDate('2026-05-01') AND d <= toDate('2026-05-02')) AND (t >= toDateTime(${S}) AND t <= toDateTime(${E}))`,
    ],
    [
      '$__dt(d,t)',
      `(d >= toDate('2026-05-01') AND d <= toDate('2026-05-02')) AND (t >= toDateTime(${S}) AND t <= toDateTime(${E}))`,
    ],
    ['$__fromTime', `toDateTime(${S})`],
    ['$__toTime', `toDateTime(${E})`],
    ['$__fromTime_ms', `fromUnixTimestamp64Milli(${CONTEXT.from})`],
    ['$__toTime_ms', `fromUnixTimestamp64Milli(${CONTEXT.to})`],
    ['$__timeFrom(c)', `c >= toDateTime(${S})`],
    ['$__timeTo(c)', `c <= toDateTime(${E})`],
    ['$__timeInterval(c)', 'toStartOfInterval(toDateTime(c), INTERVAL 90 second)'],
    ['$__timeInterval_ms(c)', 'toStartOfInterval(toDateTime64(c, 3), INTERVAL 90000 millisecond)'],
    ['$__interval_s', '90'],
    // The innermost first.
    ['$__timeFrom(f($__toTime, 1))', `f(toDateTime(${E}), 1) >= toDateTime(${S})`],
  ])('%s', (macro, expanded) => {
    expect(expandQuery(`a ${macro} b`, CONTEXT)).toBe(`a ${expanded} b`);
  });

  test('an interval of less than a second is one second', () => {
    expect(expandQuery('$__interval_s', { ...CONTEXT, intervalMillis: 10 })).toBe('1');
  });

  test('what the backend does not know is an error', () => {
    expect(() => expandQuery(`$__conditionalAll(a, $b)`, { ...CONTEXT, variables: { b: ['1'] } })).toThrow(
      'conditionalAll',
    );
    expect(() => expandQuery('$service', CONTEXT)).toThrow('not a variable');
  });
});

describe('a statement for Grafana', () => {
  const service: Variable = {
    kind: 'query',
    name: 'service',
    label: '',
    description: '',
    sql: '',
    multi: true,
  };
  const objective: Variable = { kind: 'choice', name: 'objective', label: '', description: '', choices: [] };

  test('has macros for the range and the interval', () => {
    const sql = grafanaSql(`${FROM} < ${TO} / {interval:UInt32}`, []);
    expect(expandQuery(sql, CONTEXT)).toBe(
      `toTimeZone(toDateTime(${S}), 'UTC') < toTimeZone(toDateTime(${E}), 'UTC') / 90`,
    );
  });

  test('takes values of variables as numbers', () => {
    const sql = grafanaSql(`${selected('service')} AND x < {objective:Float64}`, [service, objective]);
    const variables = { service: ['12', '18446744073709551615'], objective: ['0.99'] };
    const hashes = `CAST([12,18446744073709551615], 'Array(UInt64)')`;
    expect(expandQuery(sql, { ...CONTEXT, variables })).toBe(
      `(has(${hashes}, 0) OR has(${hashes}, sipHash64(service))) AND x < toFloat64(0.99)`,
    );
  });

  test('that refers to a variable which the dashboard lacks is an error', () => {
    expect(() => grafanaSql(selected('service'), [objective])).toThrow('{service:Array(UInt64)}');
  });
});

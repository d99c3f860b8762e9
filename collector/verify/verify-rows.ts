import { REQUEST_COLUMNS, SPAN_COLUMNS, USAGE_NAMES } from '../../clickhouse/columns.ts';
import type { VerifiedDatabase } from './database.ts';
import { type RowRule, RULE_PARAMETERS, rowRules } from './row-rules.ts';
import { boundsOf, readTimeRanges, type TimeTable, timeRangesOf, within } from './time-ranges.ts';
import { type Findings, many, timeText } from './verification.ts';

interface VerifiedTable extends TimeTable {
  readonly columns: readonly string[];
}

const OF_SPAN = SPAN_COLUMNS.map(([name]) => name);
const OF_REQUEST = [...OF_SPAN, ...REQUEST_COLUMNS.map(([name]) => name)];
const COMPLETENESS = ['run', 'service', 'instance'];

const TABLES: readonly VerifiedTable[] = [
  { name: 'decision_spans', time: 'minute', unit: 600, columns: OF_SPAN },
  { name: 'blocked_spans', time: 'minute', unit: 600, columns: OF_REQUEST },
  { name: 'usage_minutes', time: 'minute', unit: 600, columns: ['slot', 'minute', ...USAGE_NAMES] },
  { name: 'completeness_slots', time: 'slot', unit: 600, columns: ['slot', ...COMPLETENESS] },
  {
    name: 'usage_hours',
    time: 'hour',
    unit: 3_600,
    columns: ['hour', 'first_seen', 'last_seen', ...USAGE_NAMES],
  },
  { name: 'completeness_hours', time: 'hour', unit: 3_600, columns: ['hour', ...COMPLETENESS] },
  { name: 'slot_writes', time: 'slot', unit: 600, columns: ['slot'] },
  { name: 'published_slots', time: 'slot', unit: 600, columns: ['slot'] },
  { name: 'published_hours', time: 'hour', unit: 3_600, columns: ['hour'] },
];

/** Checks every row for values that our encoders cannot have written. */
export async function verifyRows(
  database: VerifiedDatabase,
  findings: Findings,
  { derivation, onProgress }: { readonly derivation: number; onProgress(fraction: number): void },
): Promise<void> {
  const rules = rowRules(derivation);
  for (const [index, table] of TABLES.entries()) {
    const ofTable = rules.filter(({ columns }) => columns.every((column) => table.columns.includes(column)));
    await verifyTable(database, findings, table, ofTable, (fraction) =>
      onProgress((index + fraction) / TABLES.length),
    );
  }
}

async function verifyTable(
  database: VerifiedDatabase,
  findings: Findings,
  table: VerifiedTable,
  rules: readonly RowRule[],
  onProgress: (fraction: number) => void,
): Promise<void> {
  /** For each rule, the number of rows and their earliest time in epoch seconds. */
  const broken = rules.map(() => ({ rows: 0, first: Number.POSITIVE_INFINITY }));
  const counts = rules
    .map(({ isBroken }) => `countIf(${isBroken}), toUnixTimestamp(minIf(${table.time}, ${isBroken}))`)
    .join(', ');
  const query = `SELECT [count(), ${counts}] AS counts FROM ${table.name} WHERE ${within(table)}`;
  const ranges = await timeRangesOf(database, table);
  for (const [index, range] of ranges.entries()) {
    await readTimeRanges(
      table,
      [range],
      async (one) => {
        const [row] = await database.select<{ counts: number[] }>(query, {
          ...RULE_PARAMETERS,
          ...boundsOf(one),
        });
        const [rows = 0, ...found] = row?.counts ?? [];
        findings.checked('rows', rows);
        for (const [rule, of] of broken.entries()) {
          const [count = 0, first = 0] = found.slice(2 * rule);
          of.rows += count;
          if (count > 0) of.first = Math.min(of.first, first);
        }
      },
      (start, reason) =>
        findings.add(
          'rows',
          start * 1_000,
          `${table.name} cannot be read from ${timeText(start * 1_000)} on: ${reason}`,
        ),
    );
    onProgress((index + 1) / ranges.length);
  }
  for (const [rule, { rows, first }] of broken.entries()) {
    if (rows === 0) continue;
    const time = timeText(first * 1_000);
    findings.add(
      'rows',
      first * 1_000,
      `Rows of ${table.name} ${rules[rule]?.text}: ${many(rows, 'row')}, the first of ${time}`,
    );
  }
}

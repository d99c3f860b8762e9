import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openTestClickHouse, rows } from '../../test/support/clickhouse.ts';
import { type NativeColumn, nativeBlock } from './native.ts';

interface Row {
  readonly identity: string;
  readonly label: string;
  readonly text: string;
  readonly flag: boolean;
  readonly small: number;
  readonly signed: number;
  readonly large: number;
  readonly second: number;
  readonly millis: number;
}

const CELLS: readonly NativeColumn<Row>[] = [
  { name: 'identity', type: 'UInt64', cell: { identity: (row) => row.identity } },
  { name: 'label', type: 'LowCardinality(String)', cell: { text: (row) => row.label } },
  { name: 'text', type: 'String', cell: { text: (row) => row.text } },
  { name: 'flag', type: 'Bool', cell: { flag: (row) => row.flag } },
  { name: 'small', type: 'UInt16', cell: { whole: (row) => row.small } },
  { name: 'signed', type: 'Int32', cell: { whole: (row) => row.signed } },
  { name: 'large', type: 'UInt64', cell: { whole: (row) => row.large } },
  { name: 'second', type: "DateTime('UTC')", cell: { whole: (row) => row.second } },
  { name: 'millis', type: "DateTime64(3, 'UTC')", cell: { whole: (row) => row.millis } },
];

/** The text is the same in every place of it, so that foreign bytes show, and is on both sides of 64 characters. */
const text = fc
  .tuple(
    fc.constantFrom('a', '~', '\n', 'é', '語', '\u{1f600}', '\ud800'),
    fc.integer({ min: 0, max: 3_000 }),
  )
  .map(([character, length]) => character.repeat(length));

const row: fc.Arbitrary<Row> = fc.record({
  identity: fc.stringMatching(/^[0-9a-f]{16}$/),
  label: fc.oneof(text, fc.constantFrom('', 'GET', 'POST')),
  text: fc.oneof(text, fc.string({ unit: 'binary', maxLength: 200 })),
  flag: fc.boolean(),
  small: fc.integer({ min: 0, max: 2 ** 16 - 1 }),
  signed: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  large: fc.maxSafeNat(),
  second: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  millis: fc.integer({ min: 0, max: Date.UTC(2299, 0, 1) }),
});

/** The order decides in which column a block has to grow. */
const columns = fc.shuffledSubarray([...CELLS], { minLength: CELLS.length });

const block = fc.record({
  columns,
  rows: fc.oneof(
    fc.array(row, { maxLength: 40 }),
    // Many rows from a few: thousands of generated ones would take longer than the engine.
    fc
      .tuple(fc.array(row, { minLength: 1, maxLength: 5 }), fc.integer({ min: 100, max: 3_000 }))
      .map(([some, times]) => Array.from({ length: times }, (_, index) => some[index % some.length] as Row)),
  ),
});

/** As text arrives in a database: lone surrogates are not UTF-8. */
const stored = (row: Row): Row => ({
  ...row,
  label: row.label.toWellFormed(),
  text: row.text.toWellFormed(),
});

const sorted = (some: readonly Row[]): string[] => some.map((each) => JSON.stringify(each)).sort();

test('the engine reads back every row of a block as it was given, wherever the block had to grow', async () => {
  const clickHouse = await openTestClickHouse();
  const { writing } = clickHouse;
  const definitions = CELLS.map(({ name, type }) => `${name} ${type}`).join(', ');
  await writing.command({ query: `CREATE TABLE native (${definitions}) ENGINE = Memory` });
  await fc.assert(
    fc.asyncProperty(block, async (given) => {
      await writing.command({ query: 'TRUNCATE TABLE native' });
      await writing.insertRows({
        table: 'native',
        columns: given.columns,
        block: nativeBlock(given.columns, given.rows),
      });
      const found = await rows<Row>(
        clickHouse,
        `SELECT lpad(lower(hex(native.identity)), 16, '0') AS identity, label, text, flag, small, signed, large,
           toUnixTimestamp(second) AS second, toUnixTimestamp64Milli(millis) AS millis FROM native`,
      );
      expect(sorted(found)).toEqual(sorted(given.rows.map(stored)));
    }),
    { numRuns: 60 },
  );
});

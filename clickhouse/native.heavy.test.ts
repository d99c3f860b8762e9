import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openTestClickHouse, rows, temporaryDirectory } from '../test/support/clickhouse.ts';
import { inEachPlace } from '../test/support/in-each-place.ts';
import { type ClickHouse, openClickHouse } from './connection.ts';
import { type NativeColumn, nativeBlock } from './native.ts';
import type { Insert } from './rows.ts';

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

const COLUMNS: readonly NativeColumn<Row>[] = [
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

function row(given: Partial<Row> = {}): Row {
  return {
    identity: '0000000000000000',
    label: '',
    text: '',
    flag: false,
    small: 0,
    signed: 0,
    large: 0,
    second: 0,
    millis: 0,
    ...given,
  };
}

function into(table: string, values: readonly Row[]): Insert {
  return { table, columns: COLUMNS, block: nativeBlock(COLUMNS, values) };
}

/** Writes rows to a new table. */
async function write({ writing }: ClickHouse, rows: readonly Row[]): Promise<void> {
  await writing.command({
    query: `CREATE OR REPLACE TABLE native (${COLUMNS.map(({ name, type }) => `${name} ${type}`).join(', ')})
      ENGINE = MergeTree ORDER BY identity`,
  });
  await writing.insertRows(into('native', rows));
}

inEachPlace('$place', (open) => {
  test('reads every value as written', async () => {
    const values = [
      row(),
      row({
        identity: 'ffffffffffffffff',
        label: 'x'.repeat(300),
        text: 'y'.repeat(1_000),
        flag: true,
        small: 65_535,
        signed: -(2 ** 31),
        large: Number.MAX_SAFE_INTEGER,
        second: 2 ** 32 - 1,
        millis: Date.UTC(2106, 0, 1) + 1,
      }),
      // Characters that would end a statement or a line, and non-ASCII ones, on both sides of the limit for
      // short texts.
      row({ identity: '0123456789abcdef', label: '\n\n\0;é', text: '\n\n' }),
      row({ identity: '0123456789abcdf0', label: `${'a'.repeat(64)}é`, text: '\u{1f600}'.repeat(40) }),
      row({ identity: '0123456789abcdf1', label: 'a'.repeat(64), text: 'a'.repeat(65), signed: 2 ** 31 - 1 }),
    ];
    const clickHouse = await open();
    await write(clickHouse, values);
    const found = await rows<Row>(
      clickHouse,
      `SELECT lpad(lower(hex(native.identity)), 16, '0') AS identity, label, text, flag, small, signed, large,
         toUnixTimestamp(second) AS second, toUnixTimestamp64Milli(millis) AS millis FROM native`,
    );
    const byIdentity = (some: readonly Row[]) => new Map(some.map((each) => [each.identity, each]));
    expect(byIdentity(found)).toEqual(byIdentity(values));
  });

  test('distinguishes any number of labels in one insert', async () => {
    const clickHouse = await open();
    // With one, two and four bytes per index; the empty label always exists.
    for (const count of [255, 256, 65_535, 65_536]) {
      const labelled = Array.from({ length: count }, (_, index) =>
        row({ identity: index.toString(16).padStart(16, '0'), label: `label ${index}` }),
      );
      await write(clickHouse, labelled);
      expect(
        await rows(
          clickHouse,
          `SELECT toUInt32(countIf(label = concat('label ', toString(identity)))) AS right FROM native`,
        ),
      ).toEqual([{ right: count }]);
    }
  });
});

test('no block file is left: neither after its insert, nor after a kill and restart', async () => {
  const directory = await temporaryDirectory();
  const inserts = join(directory, 'inserts');
  const clickHouse = await openTestClickHouse(directory);
  await write(clickHouse, [row()]);
  expect(readdirSync(inserts)).toEqual([]);
  await expect(clickHouse.writing.insertRows(into('nowhere', [row()]))).rejects.toMatchObject({ code: '60' });
  expect(readdirSync(inserts)).toEqual([]);
  writeFileSync(join(inserts, `${2 ** 22 + 1}-left-by-a-killed-process`), 'half a block');
  await openTestClickHouse(directory);
  expect(readdirSync(inserts)).toEqual([]);
});

test('a directory whose path the engine would interpret as a pattern is rejected', async () => {
  const directory = join(await temporaryDirectory(), '{data}');
  await expect(openClickHouse({ directory })).rejects.toMatchObject({ code: 'DATA_DIRECTORY_UNUSABLE' });
});

/** A repeated pattern, so that foreign bytes are detected, on both sides of 64 characters. */
const anyText = fc
  .tuple(
    fc.constantFrom('a', '~', '\n', 'é', '語', '\u{1f600}', '\ud800'),
    fc.integer({ min: 0, max: 3_000 }),
  )
  .map(([character, length]) => character.repeat(length));

const anyRow: fc.Arbitrary<Row> = fc.record({
  identity: fc.stringMatching(/^[0-9a-f]{16}$/),
  label: fc.oneof(anyText, fc.constantFrom('', 'GET', 'POST')),
  text: fc.oneof(anyText, fc.string({ unit: 'binary', maxLength: 200 })),
  flag: fc.boolean(),
  small: fc.integer({ min: 0, max: 2 ** 16 - 1 }),
  signed: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  large: fc.maxSafeNat(),
  second: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  millis: fc.integer({ min: 0, max: Date.UTC(2299, 0, 1) }),
});

/** The order determines in which column a block has to grow. */
const anyColumns = fc.shuffledSubarray([...COLUMNS], { minLength: COLUMNS.length });

const anyBlock = fc.record({
  columns: anyColumns,
  rows: fc.oneof(
    fc.array(anyRow, { maxLength: 40 }),
    // Many rows from a few: generating thousands would take longer than the engine.
    fc
      .tuple(fc.array(anyRow, { minLength: 1, maxLength: 5 }), fc.integer({ min: 100, max: 3_000 }))
      .map(([some, times]) => Array.from({ length: times }, (_, index) => some[index % some.length] as Row)),
  ),
});

/** As text is stored: lone surrogates are not UTF-8. */
const stored = (given: Row): Row => ({
  ...given,
  label: given.label.toWellFormed(),
  text: given.text.toWellFormed(),
});

const sorted = (some: readonly Row[]): string[] => some.map((each) => JSON.stringify(each)).sort();

test('the engine reads back every row of a block unchanged, wherever the block had to grow', async () => {
  const clickHouse = await openTestClickHouse();
  const { writing } = clickHouse;
  const definitions = COLUMNS.map(({ name, type }) => `${name} ${type}`).join(', ');
  await writing.command({ query: `CREATE TABLE native (${definitions}) ENGINE = Memory` });
  await fc.assert(
    fc.asyncProperty(anyBlock, async (given) => {
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

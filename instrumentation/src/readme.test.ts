import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ATTRIBUTES } from './attributes.ts';
import { OPTIONS, variableOf } from './options.ts';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test('the README documents every attribute and no other, as it is defined', () => {
  const defined = Object.entries(ATTRIBUTES).map(([name, { type, description }]) => [
    name,
    type,
    description,
  ]);

  expect(tableBelow('attribute', 'type', 'description')).toEqual(defined);
});

test('the README documents every option and no other, with its default', () => {
  const rows = tableBelow('option', 'default', 'meaning');

  expect(rows.map(([name]) => name)).toEqual(Object.keys(OPTIONS));
  for (const [name = '', defaultValue] of rows) {
    const value = OPTIONS[name as keyof typeof OPTIONS].default;
    if (value === undefined) expect(defaultValue, name).toMatch(/^(none|from the environment.*)$/);
    else expect(defaultValue, name).toBe(JSON.stringify(value));
  }
});

test('the README documents the variable of every option that has one, and no other', () => {
  const rows = tableBelow('variable', 'meaning').map(([name = '']) => name);
  const documented = rows.join().match(/\bORIGINSCOPE_[A-Z_]+/g) ?? [];
  const read = Object.entries<{ parse?: unknown }>(OPTIONS).filter(([, { parse }]) => parse !== undefined);
  // Two are not plain strings and are read when the receiver is determined.
  const names = [
    ...read.map(([option]) => variableOf(option)),
    'ORIGINSCOPE_ENDPOINT',
    'ORIGINSCOPE_HEADERS',
  ];

  expect([...documented].sort()).toEqual(names.sort());
});

/** The cells of the table with this header, without the backquotes around a whole cell. */
function tableBelow(...header: readonly string[]): string[][] {
  const lines = README.split('\n').map((line) => cellsOf(line));
  const start = lines.findIndex((cells) => cells.join() === header.join());
  const end = lines.findIndex((cells, i) => i > start && cells.length !== header.length);
  return lines.slice(start + 2, end);
}

function cellsOf(line: string): string[] {
  const cells = line.split(/(?<!\\)\|/).slice(1, -1);
  return cells.map((cell) => cell.trim().replace(/^`([^`]*)`$/, '$1'));
}

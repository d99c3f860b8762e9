import { createWriteStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../test/support/clickhouse.ts';
import { decisionRequest, decisionSpan } from '../test/support/otlp-bodies.ts';
import { start } from '../test/support/process.ts';

const BIN = join(import.meta.dirname, 'bin.ts');
const DAY = 86_400_000;

/** A line as the Collector's file exporter writes it, of spans of one time. */
function line(time: number, spans: number, first = 1): string {
  const ids = Array.from({ length: spans }, (_, index) => (first + index).toString(16).padStart(16, '0'));
  return JSON.stringify(decisionRequest(ids.map((id) => decisionSpan(id, time))));
}

async function importing(...args: string[]) {
  const child = start(process.execPath, [BIN, 'import', ...args]);
  const output = child.line().catch(() => '');
  const { code, stderr } = await child.ended;
  return { code, stderr, said: await output };
}

test('a file is imported once however often, and what contradicts it is refused by its slot', async () => {
  const directory = await temporaryDirectory();
  const data = join(directory, 'data');
  const [file, other] = [join(directory, 'a.jsonl'), join(directory, 'b.jsonl')];
  const lastWeek = Math.floor((Date.now() - 7 * DAY) / DAY) * DAY;
  writeFileSync(file, `${line(lastWeek, 40)}\n\n${line(Date.now() - 60_000, 10, 1_000)}\n`);
  writeFileSync(other, line(lastWeek, 3, 2_000));

  const first = await importing('--json', '--data', data, file);
  expect(JSON.parse(first.said)).toMatchObject({
    spans: 50,
    written: 10,
    published: [lastWeek],
    refused: [],
  });
  const again = await importing('--json', '--data', data, file);
  expect(JSON.parse(again.said)).toMatchObject({ spans: 50, published: [], unchanged: [lastWeek] });
  const contradicting = await importing('--json', '--data', data, other);
  expect(contradicting.code).toBe(1);
  expect(JSON.parse(contradicting.said)).toMatchObject({ refused: [lastWeek] });
});

test('a malformed line is named and nothing frozen is published, unless it shall be skipped', async () => {
  const directory = await temporaryDirectory();
  const data = join(directory, 'data');
  const file = join(directory, 'cut.jsonl');
  const lastWeek = Math.floor((Date.now() - 7 * DAY) / DAY) * DAY;
  writeFileSync(file, `${line(lastWeek, 4)}\n{"resourceSpans": [{`);

  const refused = await importing('--data', data, file);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(`${file}, line 2: `) });
  const skipping = await importing('--json', '--skip-malformed', '--data', data, file);
  expect(JSON.parse(skipping.said)).toMatchObject({ spans: 4, published: [lastWeek], malformedLines: 1 });
});

test('lines of several megabytes are read whole', async () => {
  const directory = await temporaryDirectory();
  const file = join(directory, 'long.jsonl');
  const output = createWriteStream(file);
  for (let number = 0; number < 3; number++) output.write(`${line(Date.now(), 3_000, 1 + number * 3_000)}\n`);
  output.end();
  await finished(output);

  const { said } = await importing('--json', '--data', join(directory, 'data'), file);
  expect(JSON.parse(said)).toMatchObject({ spans: 9_000, written: 9_000 });
});

test('while originscope up holds the directory, it does the import, and its errors are those of the command', async () => {
  const directory = await temporaryDirectory();
  const data = join(directory, 'data');
  const up = start(process.execPath, [BIN, 'up', '--data', data, '--port', '0']);
  await up.line();
  const lastWeek = Math.floor((Date.now() - 7 * DAY) / DAY) * DAY;
  const [file, cut] = [join(directory, 'a.jsonl'), join(directory, 'cut.jsonl')];
  writeFileSync(file, line(lastWeek, 40));
  writeFileSync(cut, '{"resourceSpans": [{');

  const first = await importing('--json', '--data', data, file);
  expect(JSON.parse(first.said)).toMatchObject({ spans: 40, published: [lastWeek], refused: [] });
  const again = await importing('--json', '--data', data, file);
  expect(JSON.parse(again.said)).toMatchObject({ spans: 40, published: [], unchanged: [lastWeek] });
  const malformed = await importing('--data', data, cut);
  expect(malformed).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`[LINE_MALFORMED] ${cut}, line 1: `),
  });
  expect(await importing('--data', data, '-')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('[INPUT_NOT_SHARED]'),
  });
  up.kill('SIGTERM');
  await up.ended;
});

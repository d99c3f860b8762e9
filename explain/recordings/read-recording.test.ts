import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { readRecording } from './read-recording.ts';

const exchange = {
  request: { method: 'GET', url: 'https://api.example/', headers: [] },
  response: { status: 200, headers: [] },
};
const line = (id: number) => JSON.stringify({ id, exchanges: [exchange] });
const har = { log: { entries: [{ request: exchange.request, response: { status: 200, headers: [] } }] } };

async function idsOf(text: string): Promise<unknown[]> {
  const recording = await readRecording(Readable.from([text]), 'file');
  if (recording.kind === 'text') return [recording.text];
  const ids: unknown[] = [];
  for await (const { id } of recording.requests) ids.push(id);
  return ids;
}

test('JSON lines, with empty lines, CR LF and a byte order mark', async () => {
  expect(await idsOf(`\u{feff}\n${line(1)}\r\n\r\n${line(2)}`)).toEqual([1, 2]);
});

test('a HAR, on one line or many', async () => {
  expect(await idsOf(JSON.stringify(har))).toEqual(['entries[0]']);
  expect(await idsOf(JSON.stringify(har, null, 2))).toEqual(['entries[0]']);
});

test('anything else is text', async () => {
  expect(await idsOf("curl 'https://api.example/' \\\n  -H 'a: b'")).toEqual([
    "curl 'https://api.example/' \\\n  -H 'a: b'",
  ]);
});

test('a malformed line is reported by file and number, after the lines before it', async () => {
  const recording = await readRecording(Readable.from([`${line(1)}\n\n{"exchanges": 3}\n`]), 'a.jsonl');
  if (recording.kind === 'text') throw new Error('expected requests');
  const requests = recording.requests[Symbol.asyncIterator]();
  expect((await requests.next()).value).toMatchObject({ id: 1 });
  await expect(requests.next()).rejects.toMatchObject({
    code: 'LINE_MALFORMED',
    message: expect.stringContaining('a.jsonl, line 3: exchanges'),
  });
  await expect(idsOf(`{"exchanges": [\n${line(2)}`)).rejects.toThrow('file, line 1');
});

test('an empty file is an error, not an empty result', async () => {
  await expect(idsOf('\n \n')).rejects.toMatchObject({ code: 'INPUT_EMPTY' });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { SCOPE_NAME } from '../../instrumentation/src/attributes.ts';
import { decisionRequest, decisionSpan, keyValues } from '../../test/support/otlp-bodies.ts';
import { encodeRequest, encodeSpan } from '../../test/support/otlp-schema.ts';
import { start } from '../../test/support/process.ts';
import { delimitedField } from '../../test/support/wire.ts';

const ROOT = join(import.meta.dirname, '../..');
const MIB = 1024 ** 2;

/** The memory limit of the receiver's container. */
const LIMIT = (() => {
  const { services } = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'));
  return Number.parseInt(services.receiver.mem_limit, 10) * MIB;
})();

const json = (traces: object): string => JSON.stringify(traces);
/** JSON of the given size. */
const jsonOf = (bytes: number, open: string, item: string, close: string): Buffer => {
  const count = Math.floor((bytes - open.length - close.length) / item.length);
  return Buffer.from(`${open}${item.repeat(count).slice(0, -1)}${close}`);
};

const ID = '00000000000000a1';
/** The smallest possible decision. */
const small = () => ({
  ...decisionSpan(ID, Date.now()),
  attributes: keyValues({ 'cors.decisions': 1, 'cors.kind': 'actual', 'cors.verdict': 'allowed' }),
});
const SCOPE = delimitedField(1, [delimitedField(1, SCOPE_NAME)]);
const inScope = (spans: Buffer): Buffer => delimitedField(1, [delimitedField(2, [SCOPE, spans])]);
const repeated = (bytes: number, item: Buffer): Buffer =>
  Buffer.alloc(Math.floor(bytes / item.length) * item.length, item);

/** Bodies that need much more memory than their size, and bodies just within the limits. */
const BODIES: Record<string, () => readonly ['application/json' | 'application/x-protobuf', Buffer]> = {
  'JSON objects, 16 MiB': () => ['application/json', jsonOf(16 * MIB - 9, '{"x":[', '{},', ']}')],
  'JSON objects, 8 MiB': () => ['application/json', jsonOf(8 * MIB, '{"x":[', '{},', ']}')],
  'as many JSON objects as are taken': () => ['application/json', jsonOf(0.85 * MIB, '{"x":[', '{},', ']}')],
  'JSON properties': () => {
    const names = Array.from({ length: 590_000 }, (_, n) => `"${n.toString(36)}":0`);
    return ['application/json', Buffer.from(`{${names.join()}}`)];
  },
  'JSON spans of others': () => [
    'application/json',
    jsonOf(8 * MIB, '{"resourceSpans":[{"scopeSpans":[{"spans":[', '{"kind":2,"name":"a"},', ']}]}]}'),
  ],
  'JSON decisions': () => {
    const [open = '', close = ''] = json(decisionRequest([])).split('"spans":[]');
    const item = `${json(small())},`;
    return ['application/json', jsonOf(8 * MIB, `${open}"spans":[`, item, `]${close}`)];
  },
  'protobuf spans without anything': () => [
    'application/x-protobuf',
    inScope(
      Buffer.concat([
        delimitedField(2, [encodeSpan(small())]),
        repeated(16 * MIB - 999, Buffer.from([0x12, 0])),
      ]),
    ),
  ],
  'protobuf decisions': () => {
    const span = delimitedField(2, [encodeSpan(small())]);
    return ['application/x-protobuf', inScope(repeated(16 * MIB - 999, span))];
  },
  'protobuf as large as is taken': () => {
    const one = decisionRequest([decisionSpan(ID, Date.now())]);
    const value = { stringValue: ' '.repeat(0.99 * MIB) };
    one.resourceSpans?.[0]?.resource?.attributes?.push({ key: 'pad', value });
    return ['application/x-protobuf', repeated(16 * MIB, encodeRequest(one))];
  },
  'a resource that every part would repeat': () => {
    const traces = decisionRequest(
      Array.from({ length: 60 }, (_, n) => decisionSpan((n + 1).toString(16).padStart(16, '0'), Date.now())),
    );
    const value = { stringValue: ' '.repeat(7.86 * MIB) };
    traces.resourceSpans?.[0]?.resource?.attributes?.push({ key: 'pad', value });
    return ['application/x-protobuf', encodeRequest(traces)];
  },
};

test('a receiver stays within the memory of its container for any body, and keeps working', async () => {
  // Node gives half of a container's memory to JavaScript objects.
  const flags = [`--max-old-space-size=${LIMIT / 2 / MIB}`];
  const child = start(process.execPath, [...flags, join(ROOT, 'test/support/receiver-process.ts')]);
  const url = await child.line();
  const post = async (type: string, body: Buffer, encoding = 'identity'): Promise<number> => {
    const headers = { 'content-type': type, 'content-encoding': encoding };
    return (await fetch(`${url}/v1/traces`, { method: 'POST', headers, body: new Uint8Array(body) })).status;
  };
  const peak = async (): Promise<number> =>
    ((await (await fetch(`${url}/healthz`)).json()) as { peakBytes: number }).peakBytes;

  const answers: Record<string, number[]> = {};
  for (const [name, make] of Object.entries(BODIES)) {
    const [type, body] = make();
    const packed = gzipSync(body, { level: 1 });
    answers[name] = [await post(type, body)];
    answers[name].push(...(await Promise.all([1, 2, 3].map(() => post(type, packed, 'gzip')))));
    expect(await peak(), name).toBeLessThan(LIMIT);
    const honest = encodeRequest(decisionRequest([decisionSpan(ID, Date.now())]));
    expect(await post('application/x-protobuf', honest), name).toBe(200);
  }
  for (const [name, statuses] of Object.entries(answers)) {
    for (const status of statuses) expect([200, 400, 413, 503], name).toContain(status);
  }
  const refused = ['JSON objects, 16 MiB', 'JSON objects, 8 MiB', 'protobuf decisions'];
  refused.push('a resource that every part would repeat');
  for (const name of refused) expect(answers[name]?.[0], name).toBe(413);
  const taken = ['JSON properties', 'as many JSON objects as are taken', 'protobuf as large as is taken'];
  for (const name of taken) expect(answers[name]?.[0], name).toBe(200);
}, 180_000);

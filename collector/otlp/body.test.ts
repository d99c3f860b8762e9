import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { listen } from '../../test/support/ask.ts';
import { readBody } from './body.ts';

test('a gzip bomb is inflated up to the limit and no further', async () => {
  const maxBytes = 1024 ** 2;
  let held = 0;
  const hold = (bytes: number) => {
    held += bytes;
    return true;
  };
  const server = createServer((request, response) => {
    readBody(request, { maxBytes, hold }).catch((error: { code: string }) => response.end(error.code));
  });
  const bomb = new Uint8Array(gzipSync(Buffer.alloc(64 * maxBytes)));
  const headers = { 'content-encoding': 'gzip' };
  const answer = await fetch(await listen(server), { method: 'POST', body: bomb, headers });
  expect(await answer.text()).toBe('BODY_TOO_LARGE');
  expect(held).toBeLessThan(2 * maxBytes);
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { READING } from './connection.ts';

test('the reader in users.xml may set the settings of our connections, within its limits', () => {
  const users = readFileSync(join(import.meta.dirname, 'server/users.xml'), 'utf8');
  const changeable = new Map(
    [...users.matchAll(/<(\w+)>\s*<changeable_in_readonly\/>\s*(?:<max>(\d+)<\/max>\s*)?<\/\1>/g)].map(
      ([, setting, most]) => [setting, most === undefined ? Number.POSITIVE_INFINITY : Number(most)],
    ),
  );
  // Compression of responses is a setting of the server.
  const ours = { ...READING, enable_http_compression: 1 };
  expect([...changeable.keys()].sort()).toEqual(Object.keys(ours).sort());
  for (const [setting, value] of Object.entries(ours)) {
    if (!Number.isNaN(Number(value))) expect(Number(value)).toBeLessThanOrEqual(changeable.get(setting) ?? 0);
  }
});

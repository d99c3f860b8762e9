import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SPOOL_LIMITS, Spool } from './spool.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const MINUTE = 60_000;
const BATCH = { body: Buffer.from('a body'), decisions: 42 };

let directory: string;
let warnings: string[];
let now: number;

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'originscope-spool-')), 'spool');
  now = NOW;
  warnings = [];
  const keep = (text: string) => void warnings.push(text);
  diag.setLogger(
    { error: keep, warn: keep, info: keep, debug: keep, verbose: keep },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
});
afterEach(() => {
  diag.disable();
  rmSync(join(directory, '..'), { recursive: true });
});

const openSpool = (limits = SPOOL_LIMITS) => new Spool(directory, limits, { now: () => now });
const files = () => readdirSync(directory);
const onlyFile = () => join(directory, files()[0] ?? '');

test('a written batch can be claimed once, unchanged, and is gone once removed', () => {
  const [writer, reader] = [openSpool(), openSpool()];
  writer.write(BATCH);

  const [name = ''] = reader.unclaimed();
  const claimed = reader.claim(name);

  expect(claimed).toMatchObject({ body: BATCH.body, decisions: 42, time: NOW });
  expect(reader.claim(name)).toBeUndefined();
  if (claimed !== undefined) reader.remove(claimed.name);
  expect(files()).toEqual([]);
  expect(warnings).toEqual([]);
});

test('its files and the directory that it makes are readable by their owner alone', () => {
  openSpool().write(BATCH);

  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(statSync(onlyFile()).mode & 0o777).toBe(0o600);
});

test('a directory that exists keeps its mode', () => {
  mkdirSync(directory, { mode: 0o755 });
  chmodSync(directory, 0o755);
  openSpool().prepare();
  expect(statSync(directory).mode & 0o777).toBe(0o755);
});

test('the oldest file comes first, and a released file comes again', () => {
  const spool = openSpool();
  now = NOW + 1;
  const later = spool.write(BATCH);
  now = NOW;
  const earlier = spool.write(BATCH);
  expect(spool.unclaimed()).toEqual([earlier, later]);

  const claimed = spool.claim(earlier ?? '');
  if (claimed !== undefined) spool.release(claimed);

  expect(spool.unclaimed()).toEqual([earlier, later]);
});

describe('a file that was claimed', () => {
  /** A claim as another process would have left it. */
  function claimFor(pid: number, since = NOW): void {
    const name = openSpool().write(BATCH) ?? '';
    renameSync(join(directory, name), join(directory, `${name}.${pid}-0badcafe-${since}`));
  }
  const init = 1;
  const ended = 2 ** 22 + 1;

  test('is left to a process that is running', () => {
    claimFor(init);
    expect(openSpool().unclaimed()).toEqual([]);
  });

  test.each([
    ['has ended', ended, NOW],
    ['had the number of this one, in an earlier container', process.pid, NOW],
    ['has held it for too long', init, NOW - 2 * MINUTE],
    ['has a clock that is ahead', init, NOW + 60 * MINUTE],
  ])('is taken over when its process %s', (_, pid, since) => {
    claimFor(pid, since);
    const spool = openSpool();
    const [name = ''] = spool.unclaimed();
    expect(spool.claim(name)).toMatchObject({ body: BATCH.body, decisions: 42 });
    expect(files()).toHaveLength(1);
  });
});

test('a file is too old after 48 hours, and not by a clock that is behind', () => {
  const spool = openSpool();
  spool.write(BATCH);
  const claimed = spool.claim(spool.unclaimed()[0] ?? '');
  if (claimed === undefined) throw new Error('not claimed');
  now = NOW + 48 * 60 * MINUTE;
  expect(spool.isTooOld(claimed)).toBe(false);
  now += 1;
  expect(spool.isTooOld(claimed)).toBe(true);
  now = NOW - 1_000 * 60 * MINUTE;
  expect(spool.isTooOld(claimed)).toBe(false);
});

test('a full directory accepts no more, loses nothing, and is reported once', () => {
  const spool = openSpool({ ...SPOOL_LIMITS, maxBytes: 10 });
  expect(spool.write(BATCH)).toBeDefined();
  expect(spool.write(BATCH)).toBeUndefined();
  expect(spool.write(BATCH)).toBeUndefined();
  expect(files()).toHaveLength(1);
  expect(warnings).toEqual([expect.stringMatching(/is full/)]);
});

test('an unfinished file is not sent, counts as space that is taken, and is deleted after an hour', () => {
  const spool = openSpool({ ...SPOOL_LIMITS, maxBytes: 10 });
  const name = spool.write(BATCH) ?? '';
  const unfinished = join(directory, `${name}.unfinished`);
  renameSync(join(directory, name), unfinished);
  utimesSync(unfinished, NOW / 1_000, NOW / 1_000);

  expect(spool.unclaimed()).toEqual([]);
  expect(spool.write(BATCH)).toBeUndefined();
  now += 61 * MINUTE;
  expect(spool.unclaimed()).toEqual([]);
  expect(files()).toEqual([]);
});

test('an unusable directory is reported at the start, with what to do', () => {
  mkdirSync(join(directory, '..'), { recursive: true });
  writeFileSync(directory, 'a file');
  const spool = openSpool();
  spool.prepare();
  expect(warnings).toEqual([expect.stringContaining('ORIGINSCOPE_SPOOL')]);
  expect(spool.write(BATCH)).toBeUndefined();
  expect(spool.unclaimed()).toEqual([]);
});

test('foreign files are not sent: links, files that are not bodies, names that do not match', () => {
  const spool = openSpool();
  const name = spool.write(BATCH) ?? '';
  const secret = join(directory, '..', 'secret');
  writeFileSync(secret, 'secret');
  rmSync(join(directory, name));
  symlinkSync(secret, join(directory, name));
  writeFileSync(join(directory, 'notes.txt'), 'not ours');
  const large = name.replace('-42-', '-43-');
  writeFileSync(join(directory, large), '');
  truncateSync(join(directory, large), 17 * 2 ** 20);

  expect(spool.unclaimed().sort()).toEqual([name, large].sort());
  expect(spool.claim(name)).toBeUndefined();
  expect(spool.claim(large)).toBeUndefined();
  expect(readFileSync(secret, 'utf8')).toBe('secret');
});

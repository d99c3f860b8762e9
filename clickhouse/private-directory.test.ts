import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { holdsDatabase, privateDirectory } from './private-directory.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'originscope-private-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(root, { recursive: true, force: true });
});

const modeOf = (path: string): string => (lstatSync(path).mode & 0o7777).toString(8);

/** Creates a directory with this mode, regardless of the umask. */
function directory(path: string, mode: number): string {
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
}

function file(path: string, mode: number): string {
  writeFileSync(path, '');
  chmodSync(path, mode);
  return path;
}

const refusal = (message: string) =>
  expect.objectContaining({
    code: 'DATA_DIRECTORY_UNUSABLE',
    message: expect.stringContaining(message),
    remedy: expect.stringContaining('--data'),
  });

test('a new directory and its new parents are accessible to this user only', () => {
  const path = join(root, 'a', 'b');
  privateDirectory(path);
  expect([modeOf(join(root, 'a')), modeOf(path)]).toEqual(['700', '700']);
});

test('an empty directory that others can read is restricted', () => {
  const path = directory(join(root, 'data'), 0o755);
  privateDirectory(path);
  expect(modeOf(path)).toBe('700');
});

test('a data directory that others can read is restricted with all its contents', () => {
  const path = directory(join(root, 'data'), 0o755);
  const store = directory(join(path, 'store'), 0o755);
  const part = directory(join(store, 'part'), 0o775);
  const rows = file(join(part, 'data.bin'), 0o644);
  const status = file(join(path, 'status'), 0o666);
  const lock = file(join(path, 'originscope.lock'), 0o644);
  const outside = file(join(root, 'outside'), 0o644);
  symlinkSync(outside, join(store, 'link'));

  privateDirectory(path);

  expect([path, store, part].map(modeOf)).toEqual(['700', '700', '700']);
  expect([rows, status, lock].map(modeOf)).toEqual(['600', '600', '600']);
  expect(modeOf(outside)).toBe('644');
});

test('readable entries in a private directory, from an earlier version or an interrupted run, are restricted', () => {
  const path = directory(join(root, 'data'), 0o700);
  const store = directory(join(path, 'store'), 0o755);
  const rows = file(join(store, 'data.bin'), 0o644);
  privateDirectory(path);
  expect([store, rows].map(modeOf)).toEqual(['700', '600']);
});

test('a directory with foreign entries is not modified, and rejected if others can read it', () => {
  const home = directory(join(root, 'home'), 0o755);
  const note = file(join(home, 'note.txt'), 0o644);
  const tmp = directory(join(home, 'tmp'), 0o755);

  expect(() => privateDirectory(home)).toThrow(refusal('not for Originscope alone'));
  expect([home, note, tmp].map(modeOf)).toEqual(['755', '644', '755']);

  chmodSync(home, 0o700);
  privateDirectory(home);
  expect([home, note, tmp].map(modeOf)).toEqual(['700', '644', '755']);
});

test('a shared directory, such as /tmp, is rejected even if it is empty', () => {
  const path = directory(join(root, 'shared'), 0o1777);
  expect(() => privateDirectory(path)).toThrow(refusal('not for Originscope alone'));
  expect(modeOf(path)).toBe('1777');
});

test("another user's directory is rejected: its owner could read the data", () => {
  const path = directory(join(root, 'data'), 0o777);
  vi.spyOn(process as { getuid(): number }, 'getuid').mockReturnValue(4_242);
  expect(() => privateDirectory(path)).toThrow(refusal('belongs to another user'));
  expect(modeOf(path)).toBe('777');
});

test('a file in place of the directory is reported', () => {
  expect(() => privateDirectory(file(join(root, 'data'), 0o600))).toThrow(refusal('cannot be created'));
});

test('a directory that cannot be created is an error at once, also where the kernel says ENOENT', () => {
  expect(() => privateDirectory('/proc/originscope/data')).toThrow(refusal('cannot be created'));
});

test('a reader opens a database and nothing else', () => {
  const path = join(root, 'data');
  expect(holdsDatabase(path)).toBe(false);
  privateDirectory(path);
  expect(holdsDatabase(path)).toBe(false);
  for (const name of ['store', 'metadata']) directory(join(path, name), 0o700);
  expect(holdsDatabase(path)).toBe(true);

  const home = directory(join(root, 'home'), 0o700);
  file(join(home, 'note.txt'), 0o600);
  expect(() => holdsDatabase(home)).toThrow(refusal('was not created by Originscope'));
  expect(() => holdsDatabase(join(home, 'note.txt'))).toThrow(refusal('cannot be read'));
});

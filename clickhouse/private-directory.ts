import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { OriginscopeError } from '../core/errors.ts';

const OF_OTHERS = 0o077;
const STICKY = 0o1000;

/** What the engine and we make in a data directory. */
const OURS: ReadonlySet<string> = new Set(
  `access cache coordination data dictionaries_lib disks flags format_schemas inserts metadata metadata_dropped
  named_collections originscope.lock preprocessed_configs shadow status store tmp user_defined user_files
  user_scripts uuid workload`.split(/\s+/),
);

/**
 * A directory that only this user can look into, created when needed. One that others could look into is
 * narrowed, with all that is in it, if it holds nothing but what we and the engine made there. What holds other
 * things (a home, a project, `/tmp`) or belongs to somebody else is left as it is, and refused.
 *
 * @throws OriginscopeError `DATA_DIRECTORY_UNUSABLE`
 */
export function privateDirectory(path: string): void {
  const entries = createdOrRead(path);
  const { mode, uid } = statSync(path);
  // Without modes there is nothing to look at (Windows).
  const self = process.getuid?.();
  if (self === undefined) return;
  if (self !== 0 && uid !== self) throw notPrivate(path, 'belongs to another user');
  const isOurs = entries.every(isOfOriginscope);
  if ((mode & OF_OTHERS) !== 0) {
    if (!isOurs || (mode & STICKY) !== 0) {
      throw notPrivate(path, 'can be read by other users, and is not for Originscope alone');
    }
    chmodSync(path, 0o700);
  }
  // What lies in it is narrowed from the inside out: while an entry is still wide, not all of it was.
  if (isOurs) for (const name of entries) narrow(join(path, name));
}

/**
 * Whether a directory holds a database of the embedded engine, so that a command that only reads may open it.
 *
 * @throws OriginscopeError `DATA_DIRECTORY_UNUSABLE` when it exists and holds other things, or cannot be read
 */
export function holdsDatabase(path: string): boolean {
  let entries: string[];
  try {
    entries = readdirSync(path);
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return false;
    throw new OriginscopeError('DATA_DIRECTORY_UNUSABLE', {
      path,
      problem: 'cannot be read',
      cause,
      remedy: 'Give the directory of "originscope up" with --data, as a user who may read it.',
    });
  }
  if (entries.includes('store') && entries.includes('metadata')) return true;
  if (entries.every(isOfOriginscope)) return false;
  throw new OriginscopeError('DATA_DIRECTORY_UNUSABLE', {
    path,
    problem: 'was not created by Originscope and holds other files',
    remedy: 'Give the directory of "originscope up" with --data.',
  });
}

const isOfOriginscope = (name: string): boolean => OURS.has(name) || name.startsWith('originscope.lock.');

const isErrno = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

function createdOrRead(path: string): string[] {
  try {
    makeDirectory(path);
    return readdirSync(path);
  } catch (cause) {
    throw new OriginscopeError('DATA_DIRECTORY_UNUSABLE', { path, problem: 'cannot be created', cause });
  }
}

/** Not by `recursive`: where the kernel answers ENOENT for a parent that exists, as in /proc, Node tries forever. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectory(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (cause) {
    // Another process may have created it meanwhile.
    if (!existsSync(path)) throw cause;
  }
}

/** A link is not followed, and what is private already is taken to hold nothing else. */
function narrow(path: string): void {
  const stats = statsOf(path);
  if (stats === undefined || (stats.mode & OF_OTHERS) === 0) return;
  if (stats.isDirectory()) for (const name of namesIn(path)) narrow(join(path, name));
  if (!stats.isDirectory() && !stats.isFile()) return;
  try {
    chmodSync(path, stats.isDirectory() ? 0o700 : 0o600);
  } catch {
    // Removed meanwhile, or somebody else's: the directory around it is private.
  }
}

function statsOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function notPrivate(path: string, problem: string): OriginscopeError {
  return new OriginscopeError('DATA_DIRECTORY_UNUSABLE', {
    path,
    problem,
    remedy:
      'Choose another directory with --data, for example a new one inside it, which is created for this user alone. Or set the mode of this one to 0700.',
  });
}

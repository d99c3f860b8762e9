import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf, OriginscopeError } from '../core/errors.ts';

const OF_OTHERS = 0o077;
const STICKY = 0o1000;

/** The entries that the engine and Originscope create in a data directory. */
const OWN_ENTRIES: ReadonlySet<string> = new Set(
  `access cache coordination data dictionaries_lib disks flags format_schemas inserts metadata metadata_dropped
  named_collections originscope.lock preprocessed_configs shadow status store tmp user_defined user_files
  user_scripts uuid workload`.split(/\s+/),
);

/**
 * Ensures a directory that only this user can access, creating it if needed. One that others can read is
 * restricted, with all its contents, if it contains only entries created by Originscope and the engine. One
 * with other contents (a home, a project, `/tmp`) or of another user is rejected unchanged.
 *
 * @throws OriginscopeError `DATA_DIRECTORY_UNUSABLE`
 */
export function privateDirectory(path: string): void {
  const entries = createdOrRead(path);
  const { mode, uid } = statSync(path);
  // No file modes to check (Windows).
  const self = process.getuid?.();
  if (self === undefined) return;
  if (self !== 0 && uid !== self) throw notPrivate(path, 'belongs to another user');
  const isOwn = entries.every(isOfOriginscope);
  if ((mode & OF_OTHERS) !== 0) {
    if (!isOwn || (mode & STICKY) !== 0) {
      throw notPrivate(path, 'can be read by other users, and is not for Originscope alone');
    }
    chmodSync(path, 0o700);
  }
  // Restricted from the inside out: as long as the directory itself is readable, an interrupted run is
  // detected.
  if (isOwn) for (const name of entries) restrict(join(path, name));
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
    if (codeOf(cause) === 'ENOENT') return false;
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

const isOfOriginscope = (name: string): boolean =>
  OWN_ENTRIES.has(name) || name.startsWith('originscope.lock.');

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

/** Links are not followed, and a directory that is already private is not traversed. */
function restrict(path: string): void {
  const stats = statsOf(path);
  if (stats === undefined || (stats.mode & OF_OTHERS) === 0) return;
  if (stats.isDirectory()) for (const name of namesIn(path)) restrict(join(path, name));
  if (!stats.isDirectory() && !stats.isFile()) return;
  try {
    chmodSync(path, stats.isDirectory() ? 0o700 : 0o600);
  } catch {
    // Removed in the meantime, or of another user: the directory around it is private.
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

import { chmodSync, lstatSync, mkdirSync, readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { OriginscopeError } from '../core/errors.ts';

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
  const isOwn = entries.every((name) => OWN_ENTRIES.has(name) || name.startsWith('originscope.lock.'));
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

function createdOrRead(path: string): string[] {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return readdirSync(path);
  } catch (cause) {
    throw new OriginscopeError('DATA_DIRECTORY_UNUSABLE', `The data directory ${path} cannot be created`, {
      cause,
      remedy: 'Choose a directory this user may write with --data.',
    });
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

function notPrivate(path: string, why: string): OriginscopeError {
  return new OriginscopeError('DATA_DIRECTORY_UNUSABLE', `The data directory ${path} ${why}`, {
    remedy:
      'Choose another directory with --data, for example one within it: it is created for this user alone. Or give this one the mode 0700.',
  });
}

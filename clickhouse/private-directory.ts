import { chmodSync, lstatSync, mkdirSync, readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
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
  const isOurs = entries.every((name) => OURS.has(name) || name.startsWith('originscope.lock.'));
  if ((mode & OF_OTHERS) !== 0) {
    if (!isOurs || (mode & STICKY) !== 0) {
      throw notPrivate(path, 'can be read by other users, and is not for Originscope alone');
    }
    chmodSync(path, 0o700);
  }
  // What lies in it is narrowed from the inside out: while an entry is still wide, not all of it was.
  if (isOurs) for (const name of entries) narrow(join(path, name));
}

function createdOrRead(path: string): string[] {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return readdirSync(path);
  } catch (cause) {
    throw new OriginscopeError('DATA_DIRECTORY_UNUSABLE', { path, problem: 'cannot be created', cause });
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

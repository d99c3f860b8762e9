import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf, hasCode, OriginscopeError } from '../core/errors.ts';
import { endless, retry } from '../core/retry.ts';
import { privateDirectory } from './private-directory.ts';

/** The control endpoint of a running process, used instead of opening its directory. */
export interface Control {
  readonly url: string;
  readonly token: string;
}

/** The holder of a data directory: written to its lock, for users and other processes. */
export interface Holder {
  readonly pid: number;
  /** The command: `up`, `report`, `import`, `demo`. */
  readonly role: string;
  /** RFC 3339. */
  readonly since: string;
  /** Distinguishes a process from a later one with the same pid, where the system supports it; else empty. */
  readonly started: string;
  readonly control?: Control;
}

export interface DataDirectory {
  readonly path: string;
  /** Announces the control endpoint to other processes. */
  announce(control: Control): void;
  release(): void;
}

const LOCK = 'originscope.lock';

/**
 * Locks the directory for this process, creating it if needed, accessible to this user only. The engine
 * allows one process per directory and only reports that it failed; this lock identifies the holder.
 *
 * A lock of a dead process is replaced. A short reader is waited for, up to `waitMillis`.
 *
 * @throws OriginscopeError `DATA_DIRECTORY_IN_USE` (retryable), `DATA_DIRECTORY_UNUSABLE`
 */
export async function takeDataDirectory(
  path: string,
  role: string,
  options: { now: () => number; waitMillis: number },
): Promise<DataDirectory> {
  privateDirectory(path);
  const lock = join(path, LOCK);
  const mine: Holder = {
    pid: process.pid,
    role,
    since: new Date(options.now()).toISOString(),
    started: startOf(process.pid),
  };
  let holder: Holder | undefined;
  const take = async (): Promise<void> => {
    while (!place(lock, mine)) {
      holder = readHolder(path);
      if (holder !== undefined && isAlive(holder)) throw inUse(path, holder);
      discard(lock, holder);
    }
  };
  await retry(take, {
    delays: endless([50]),
    deadlineMillis: options.waitMillis,
    clock: { now: options.now },
    // Waiting only helps for readers and imports: a server keeps running.
    shouldRetry: (error) => hasCode(error, 'DATA_DIRECTORY_IN_USE') && holder?.role !== 'up',
  });
  return {
    path,
    announce(control) {
      const next = `${lock}.${randomUUID()}`;
      writeFileSync(next, JSON.stringify({ ...mine, control }), { mode: 0o600 });
      renameSync(next, lock);
    },
    release() {
      if (sameHolder(readHolder(path), mine)) rmSync(lock, { force: true });
    },
  };
}

/**
 * The running process that holds the directory, if any.
 *
 * @throws OriginscopeError `DATA_DIRECTORY_UNUSABLE` when the lock cannot be read
 */
export function holderOf(path: string): Holder | undefined {
  const holder = readHolder(path);
  return holder !== undefined && isAlive(holder) ? holder : undefined;
}

/** Creates the lock atomically: a hard link never shows partial content. */
function place(lock: string, holder: Holder): boolean {
  const draft = `${lock}.${randomUUID()}`;
  try {
    writeFileSync(draft, JSON.stringify(holder), { mode: 0o600 });
    linkSync(draft, lock);
    return true;
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false;
    throw new OriginscopeError('DATA_DIRECTORY_UNUSABLE', {
      path: dirname(lock),
      problem: 'is not writable: its lock file cannot be created',
      cause,
    });
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Removes the lock of a dead process; restores it if a running process has created its own in the meantime.
 */
function discard(lock: string, dead: Holder | undefined): void {
  const aside = `${lock}.${randomUUID()}`;
  try {
    renameSync(lock, aside);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return;
    throw cause;
  }
  const taken = parseHolder(readFileSync(aside, 'utf8'));
  if (taken !== undefined && !sameHolder(taken, dead) && isAlive(taken)) {
    try {
      linkSync(aside, lock);
    } catch (cause) {
      if (codeOf(cause) !== 'EEXIST') throw cause;
    }
  }
  rmSync(aside, { force: true });
}

function readHolder(path: string): Holder | undefined {
  try {
    return parseHolder(readFileSync(join(path, LOCK), 'utf8'));
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw new OriginscopeError('DATA_DIRECTORY_UNUSABLE', {
      path,
      problem: 'cannot be read',
      cause,
      remedy: 'Give the directory of "originscope up" with --data, as a user who may read it.',
    });
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    const value = JSON.parse(text) as Partial<Holder>;
    return Number.isInteger(value.pid) ? (value as Holder) : undefined;
  } catch {
    // Not a valid lock; treated like that of a dead process.
    return undefined;
  }
}

function sameHolder(a: Holder | undefined, b: Holder | undefined): boolean {
  return a?.pid === b?.pid && a?.started === b?.started && a?.since === b?.since;
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (cause) {
    // EPERM: it is running as another user.
    if (codeOf(cause) !== 'EPERM') return false;
  }
  return holder.started === startOf(holder.pid);
}

/** The kernel's start time of a process (Linux: field 22 of /proc/PID/stat); empty elsewhere. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command in parentheses and may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function inUse(path: string, holder: Holder): OriginscopeError {
  const { role, pid, since } = holder;
  return new OriginscopeError('DATA_DIRECTORY_IN_USE', { path, role, pid, since });
}

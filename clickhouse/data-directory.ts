import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf, hasCode, OriginscopeError } from '../core/errors.ts';
import { endless, retry } from '../core/retry.ts';
import { privateDirectory } from './private-directory.ts';

/** Where a running process can be asked instead of opening its directory. */
export interface Control {
  readonly url: string;
  readonly token: string;
}

/** Who holds a data directory: written into its lock, for people and for other processes. */
export interface Holder {
  readonly pid: number;
  /** What the process does: `up`, `report`, `import`, `demo`. */
  readonly role: string;
  /** RFC 3339. */
  readonly since: string;
  /** Tells a process from a later one with the same pid, where the system says; else empty. */
  readonly started: string;
  readonly control?: Control;
}

export interface DataDirectory {
  readonly path: string;
  /** Makes the control endpoint known to other processes. */
  announce(control: Control): void;
  release(): void;
}

const LOCK = 'originscope.lock';

/**
 * Takes the directory for this process, creating it when needed, for this user alone. The engine allows one process a
 * directory and says only that it failed; this lock says who has it.
 *
 * A holder that died without releasing is replaced. A short reader is waited for: `waitMillis`.
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
    // A server stays: only readers and imports are worth waiting for.
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
 * The living process that holds the directory, if there is one.
 *
 * @throws OriginscopeError `DATA_DIRECTORY_UNUSABLE` when the lock cannot be read
 */
export function holderOf(path: string): Holder | undefined {
  const holder = readHolder(path);
  return holder !== undefined && isAlive(holder) ? holder : undefined;
}

/** Creates the lock whole or not at all: a linked file never shows half its content. */
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

/** Takes a dead holder's lock away; if a living process placed its own meanwhile, gives it back. */
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
    // Not a lock of ours; treated like a dead holder's.
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
    // EPERM: it lives, as another user.
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

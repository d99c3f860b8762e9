import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { log } from '../log.ts';
import type { Batch } from './batch.ts';
import { type Clock, systemClock } from './clock.ts';

/** Limits of a spool directory. */
export interface SpoolLimits {
  readonly maxBytes: number;
  readonly maxAgeMillis: number;
}

/** Receivers do not accept spans that are older than 48 hours. */
export const SPOOL_LIMITS: SpoolLimits = { maxBytes: 64 * 2 ** 20, maxAgeMillis: 48 * 3_600_000 };

/** A file of the spool, under the name that it has while this process sends it. */
export interface ClaimedBatch extends Batch {
  readonly name: string;
  /** When it was written, in epoch milliseconds of the writer's clock. */
  readonly time: number;
}

/**
 * Time, number of decisions and a random id; while claimed, also process id, claimer id and time of the
 * claim.
 */
const NAME = /^(\d{1,16})-(\d{1,12})-[0-9a-f]{16}\.otlp\.json\.gz(?:\.(\d{1,10})-([0-9a-f]{8})-(\d{1,16}))?$/;
const UNFINISHED = /^\d{1,16}-\d{1,12}-[0-9a-f]{16}\.otlp\.json\.gz\.unfinished$/;
/** A claim expires after this, even if its process is still running. */
const CLAIM_MILLIS = 60_000;
const UNFINISHED_MILLIS = 3_600_000;
/** Far above the size of any body written here. */
const MAX_BODY_BYTES = 16 * 2 ** 20;

/**
 * A directory of batches that could not be sent before their process ended. A file is complete once it has
 * its final name, and it is deleted only when its batch is accepted or too old. Claims only avoid duplicate
 * requests: two processes that send the same file do no harm, because spans count once.
 *
 * Everything is synchronous, because it has to work while a process exits. Nothing here throws.
 */
export class Spool {
  readonly #directory: string;
  readonly #limits: SpoolLimits;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #claimer = randomBytes(4).toString('hex');
  readonly #warnedAbout = new Set<string>();

  constructor(
    directory: string,
    limits: SpoolLimits = SPOOL_LIMITS,
    clock: Pick<Clock, 'now'> = systemClock,
  ) {
    this.#directory = resolve(directory);
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Creates the directory and warns early about anything that would keep it from working. */
  prepare(): void {
    this.#try('cannot be used', () => {
      this.#makeDirectory();
      const probe = this.#path(this.#newName(0, '.unfinished'));
      writeFileSync(probe, '', { flag: 'wx', mode: 0o600 });
      unlinkSync(probe);
    });
  }

  /** @returns the name of the file, or undefined when it could not be written */
  write({ body, decisions }: Batch): string | undefined {
    return this.#try('cannot be written', () => {
      this.#makeDirectory();
      if (this.#bytes() + body.byteLength > this.#limits.maxBytes) {
        this.#warnOnce('is full', `${this.#limits.maxBytes / 2 ** 20} MiB`);
        return undefined;
      }
      const name = this.#newName(decisions);
      const unfinished = this.#path(`${name}.unfinished`);
      const file = openSync(unfinished, 'wx', 0o600);
      try {
        writeFileSync(file, body);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(unfinished, this.#path(name));
      return name;
    });
  }

  /** Deletes a file whose batch was accepted. */
  remove(name: string): void {
    this.#try('cannot be cleared', () => unlinkIfThere(this.#path(name)));
  }

  /** The names of unclaimed files, oldest first. */
  unclaimed(): string[] {
    const now = this.#clock.now();
    const names = this.#names().filter((name) => {
      if (UNFINISHED.test(name)) this.#removeAbandoned(name, now);
      return NAME.test(name) && !this.#isClaimed(name, now);
    });
    return names.sort();
  }

  /** Claims a file, so that other processes do not send it at the same time. */
  claim(name: string): ClaimedBatch | undefined {
    const [, time, decisions] = NAME.exec(name) ?? [];
    const claimed = `${plainName(name)}.${process.pid}-${this.#claimer}-${this.#clock.now()}`;
    try {
      renameSync(this.#path(name), this.#path(claimed));
    } catch (error) {
      // Another process claimed it first.
      if (!isMissing(error)) this.#report('cannot be read', error);
      return undefined;
    }
    const body = this.#try('cannot be read', () => this.#read(claimed));
    if (body === undefined) return undefined;
    return { name: claimed, time: Number(time), decisions: Number(decisions), body };
  }

  /** Releases a claimed file that was not accepted. */
  release({ name }: ClaimedBatch): void {
    try {
      renameSync(this.#path(name), this.#path(plainName(name)));
    } catch (error) {
      if (!isMissing(error)) this.#report('cannot be written', error);
    }
  }

  isTooOld({ time }: ClaimedBatch): boolean {
    return this.#clock.now() - time > this.#limits.maxAgeMillis;
  }

  #names(): string[] {
    return this.#try('cannot be read', () => readdirSync(this.#directory)) ?? [];
  }

  #bytes(): number {
    let bytes = 0;
    for (const name of readdirSync(this.#directory)) {
      if (NAME.test(name) || UNFINISHED.test(name)) bytes += this.#statOf(name)?.size ?? 0;
    }
    return bytes;
  }

  /** Anyone with write access to the directory could have planted the file, or a link to a file of ours. */
  #read(name: string): Buffer | undefined {
    const file = openSync(this.#path(name), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    try {
      const status = fstatSync(file);
      if (status.isFile() && isOwn(status.uid) && status.size <= MAX_BODY_BYTES) return readFileSync(file);
      this.#warnOnce('contains a file that was not written by this user', name);
      return undefined;
    } finally {
      closeSync(file);
    }
  }

  /** Whether the claiming process is still running: a crash leaves claims behind. */
  #isClaimed(name: string, now: number): boolean {
    const [, , , pid, claimer, since] = NAME.exec(name) ?? [];
    if (pid === undefined || claimer === this.#claimer) return false;
    if (Math.abs(now - Number(since)) > CLAIM_MILLIS) return false;
    // The same pid, but another process: from an earlier or another container.
    return Number(pid) !== process.pid && isRunning(Number(pid));
  }

  #removeAbandoned(name: string, now: number): void {
    const status = this.#statOf(name);
    if (status !== undefined && now - status.mtimeMs > UNFINISHED_MILLIS) this.remove(name);
  }

  #statOf(name: string): { readonly size: number; readonly mtimeMs: number } | undefined {
    return lstatSync(this.#path(name), { throwIfNoEntry: false });
  }

  /** An existing directory keeps its mode, because it may be shared. */
  #makeDirectory(): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
  }

  #newName(decisions: number, suffix = ''): string {
    const time = String(Math.max(0, Math.floor(this.#clock.now()))).padStart(13, '0');
    return `${time}-${decisions}-${randomBytes(8).toString('hex')}.otlp.json.gz${suffix}`;
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }

  #try<T>(problem: string, action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      this.#report(problem, error);
      return undefined;
    }
  }

  #report(problem: string, error: unknown): void {
    this.#warnOnce(problem, error instanceof Error ? error.message : String(error));
  }

  #warnOnce(problem: string, detail: string): void {
    if (this.#warnedAbout.has(problem)) return;
    this.#warnedAbout.add(problem);
    log(
      'warn',
      `the spool ${this.#directory} ${problem} (${detail}): check that ORIGINSCOPE_SPOOL is a writable directory ` +
        'on a disk with free space.',
    );
  }
}

function plainName(name: string): string {
  return name.slice(0, name.indexOf('.otlp.json.gz') + '.otlp.json.gz'.length);
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === 'ENOENT';
}

function isOwn(uid: number): boolean {
  return process.getuid === undefined || process.getuid() === uid;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as { code?: unknown }).code === 'EPERM';
  }
}

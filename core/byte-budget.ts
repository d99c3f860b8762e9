import { OriginscopeError } from './errors.ts';

/** Gives back what was acquired; calling it again does nothing. */
export type Release = () => void;

export interface ByteBudget {
  /** Undefined when there is no room, or others are already waiting for it. */
  tryAcquire(bytes: number): Release | undefined;
  /**
   * Waits for room, first come, first served. A request that is larger than the whole budget gets it when nobody
   * else holds any.
   *
   * @throws OriginscopeError `OVERLOADED` after the deadline; the signal's reason once it has aborted
   */
  acquire(bytes: number, options: AcquireOptions): Promise<Release>;
}

export interface AcquireOptions {
  /** How long to wait, 0 for not at all. Default: until the signal aborts. */
  readonly deadlineMillis?: number;
  readonly signal: AbortSignal;
}

interface Waiting {
  readonly bytes: number;
  admit(release: Release): void;
}

/**
 * Bounds the bytes that are held at once, whoever holds them.
 *
 * @param purpose what the bytes wait for, for people
 */
export function createByteBudget(maxBytes: number, purpose: string): ByteBudget {
  const queue: Waiting[] = [];
  let held = 0;

  const fits = (bytes: number): boolean => held === 0 || held + bytes <= maxBytes;

  function take(bytes: number): Release {
    held += bytes;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      held -= bytes;
      admitWaiting();
    };
  }

  function admitWaiting(): void {
    for (let next = queue[0]; next !== undefined && fits(next.bytes); next = queue[0]) {
      queue.shift();
      next.admit(take(next.bytes));
    }
  }

  const tryAcquire = (bytes: number): Release | undefined =>
    queue.length === 0 && fits(bytes) ? take(bytes) : undefined;

  function acquire(bytes: number, { deadlineMillis, signal }: AcquireOptions): Promise<Release> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const release = tryAcquire(bytes);
      if (release !== undefined) return resolve(release);
      if (deadlineMillis === 0) return reject(overloaded());

      let timer: NodeJS.Timeout | undefined;
      const stopWaiting = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
      };
      const waiting: Waiting = {
        bytes,
        admit(granted) {
          stopWaiting();
          resolve(granted);
        },
      };
      const giveUp = (reason: unknown): void => {
        stopWaiting();
        queue.splice(queue.indexOf(waiting), 1);
        reject(reason);
        admitWaiting();
      };
      const abort = (): void => giveUp(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      if (deadlineMillis !== undefined) timer = setTimeout(() => giveUp(overloaded()), deadlineMillis);
      queue.push(waiting);
    });
  }

  const overloaded = (): OriginscopeError =>
    new OriginscopeError('OVERLOADED', { problem: `${held} bytes are already ${purpose}` });

  return { tryAcquire, acquire };
}

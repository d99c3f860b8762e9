import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { hasCode, OriginscopeError } from './errors.ts';

export interface Patience {
  /**
   * Does the work until it succeeds: as long as an error is retryable, and nobody gives up.
   *
   * @throws the first error that a retry cannot help; the signal's reason
   */
  persist<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result>;
  /** Whether work fails at present. */
  isTried(): boolean;
}

export interface PatienceOptions {
  /** What is logged while work fails, and when it succeeds again. */
  readonly says: { readonly failing: string; readonly over: string };
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Called once when trouble begins. */
  readonly onTrouble?: () => void;
  /** Between tries; the last one goes on. */
  readonly waitMillis?: readonly number[];
}

const WAIT_MILLIS = [1_000, 2_000, 5_000, 15_000] as const;
const OVERLOAD_MILLIS = 25;
const REMIND_MILLIS = 60_000;

/** Waits for what may pass, for hours if need be, and says so: when it begins, every minute, when it is over. */
export function createPatience(options: PatienceOptions): Patience {
  const { says, log, now, onTrouble, waitMillis = WAIT_MILLIS } = options;
  let since: number | undefined;
  let told = 0;

  function trouble(error: OriginscopeError): void {
    const at = now();
    if (since === undefined) {
      since = at;
      onTrouble?.();
    } else if (at - told < REMIND_MILLIS) return;
    told = at;
    log.error({ err: error, seconds: Math.round((at - since) / 1_000) }, says.failing);
  }

  function recovered(): void {
    if (since === undefined) return;
    log.info({ seconds: Math.round((now() - since) / 1_000) }, says.over);
    since = undefined;
  }

  return {
    isTried: () => since !== undefined,
    async persist(work, signal) {
      for (let attempt = 0; ; attempt++) {
        signal.throwIfAborted();
        try {
          const result = await work();
          recovered();
          return result;
        } catch (error) {
          if (!(error instanceof OriginscopeError) || !error.retryable || hasCode(error, 'WRITER_CLOSED')) {
            throw error;
          }
          const isFull = hasCode(error, 'OVERLOADED');
          if (!isFull) trouble(error);
          const wait = isFull ? OVERLOAD_MILLIS : waitMillis[Math.min(attempt, waitMillis.length - 1)];
          await delay(wait, undefined, { signal });
        }
      }
    },
  };
}

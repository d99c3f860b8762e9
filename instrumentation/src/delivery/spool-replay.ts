import { log } from '../log.ts';
import { type Batch, divideBatch } from './batch.ts';
import type { Clock } from './clock.ts';
import type { Sender, SendResult } from './http-sender.ts';
import type { Losses } from './losses.ts';
import type { ClaimedBatch, Spool } from './spool.ts';

const FIRST_PAUSE_MILLIS = 1_000;
/** Also the interval for finding files of processes that ended in the meantime. */
const LONGEST_PAUSE_MILLIS = 60_000;

interface Dependencies {
  readonly spool: Spool;
  readonly sender: Sender;
  readonly clock: Clock;
  readonly losses: Losses;
}

/**
 * Sends the batches that ended processes left in the spool, unchanged, and deletes each file once accepted.
 */
export class SpoolReplay {
  readonly #deps: Dependencies;
  #pass: Promise<void> | undefined;
  #cancelPause = () => {};
  #failures = 0;
  #isFirst = true;
  #isStopped = false;
  #isRefused = false;

  constructor(dependencies: Dependencies) {
    this.#deps = dependencies;
    this.#after(0);
  }

  /** True until the first pass over the spool has ended, and while files are being sent. */
  get isUnderWay(): boolean {
    return !this.#isStopped && (this.#pass !== undefined || this.#isFirst);
  }

  /** Resolves when the current pass, or else the first one, has ended. */
  async settled(): Promise<void> {
    if (this.#isFirst) this.#start();
    await this.#pass;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelPause();
  }

  #start(): void {
    this.#isFirst = false;
    this.#cancelPause();
    if (this.#pass !== undefined || this.#isStopped) return;
    this.#pass = this.#sendAll()
      .catch((error: unknown) => log('error', 'The spool could not be sent', error))
      .finally(() => {
        this.#pass = undefined;
        if (this.#isStopped) return;
        const pause = FIRST_PAUSE_MILLIS * 2 ** (this.#failures - 1);
        this.#after(this.#failures === 0 ? LONGEST_PAUSE_MILLIS : Math.min(pause, LONGEST_PAUSE_MILLIS));
      });
  }

  #after(millis: number): void {
    this.#cancelPause = this.#deps.clock.after(millis, () => this.#start());
  }

  /** Stops at the first file that the receiver does not accept: the others would fail, too. */
  async #sendAll(): Promise<void> {
    const { spool } = this.#deps;
    let isReachable = true;
    for (const name of spool.unclaimed()) {
      if (!isReachable || this.#isStopped) break;
      const batch = spool.claim(name);
      if (batch !== undefined) isReachable = await this.#send(batch);
    }
    this.#failures = isReachable ? 0 : this.#failures + 1;
  }

  /** @returns whether the receiver can be expected to accept another batch */
  async #send(batch: ClaimedBatch): Promise<boolean> {
    const { spool } = this.#deps;
    const { outcome } = await this.#sendWhole(batch);
    if (outcome === 'accepted') {
      spool.remove(batch.name);
      return true;
    }
    if (spool.isTooOld(batch)) {
      spool.remove(batch.name);
      this.#deps.losses.add('expired', batch.decisions, EXPIRED);
    } else {
      spool.release(batch);
    }
    // A problem with one file does not imply a problem with the next.
    return outcome !== 'retry';
  }

  async #sendWhole(batch: Batch): Promise<SendResult> {
    const result = await this.#deps.sender.send(batch.body);
    if (result.outcome === 'accepted') {
      const { rejected } = result;
      this.#deps.losses.add('rejected', rejected, `The receiver rejected ${rejected} spans of the spool.`);
    }
    if (result.outcome === 'refused') this.#warnRejected(result.status);
    if (result.outcome !== 'too_large') return result;
    const parts = partsOf(batch);
    if (parts.length === 0) this.#warnRejected(413);
    let last: SendResult = result;
    for (const part of parts) {
      last = await this.#sendWhole(part);
      if (last.outcome !== 'accepted') break;
    }
    return last;
  }

  #warnRejected(status: number): void {
    if (this.#isRefused) return;
    this.#isRefused = true;
    log(
      'warn',
      `the receiver rejects a file of the spool with status ${status}: ` +
        'it is kept and resent until the receiver accepts it or it expires.',
    );
  }
}

const EXPIRED =
  'A file of the spool was not accepted for 48 hours and is deleted: receivers do not accept older spans.';

function partsOf(batch: Batch): readonly Batch[] {
  try {
    return divideBatch(batch);
  } catch {
    return [];
  }
}

import { log } from '../log.ts';
import { type Batch, divideBatch } from './batch.ts';
import type { Clock } from './clock.ts';
import type { Sender, SendResult } from './http-sender.ts';
import type { Losses } from './losses.ts';
import type { ClaimedBatch, Spool } from './spool.ts';

const FIRST_PAUSE_MILLIS = 1_000;
/** Also how long it takes to find what a process left that ended meanwhile. */
const LONGEST_PAUSE_MILLIS = 60_000;

interface Surroundings {
  readonly spool: Spool;
  readonly sender: Sender;
  readonly clock: Clock;
  readonly losses: Losses;
}

/** Sends what ended processes left in the spool, as it is, and deletes a file when it was accepted. */
export class SpoolReplay {
  readonly #with: Surroundings;
  #pass: Promise<void> | undefined;
  #cancelPause = () => {};
  #failures = 0;
  #isFirst = true;
  #isStopped = false;
  #isRefused = false;

  constructor(surroundings: Surroundings) {
    this.#with = surroundings;
    this.#after(0);
  }

  /** From the start until a first look at the spool, and whenever it has files that are being sent. */
  get isUnderWay(): boolean {
    return !this.#isStopped && (this.#pass !== undefined || this.#isFirst);
  }

  /** Resolves when a look at the spool is over, which may have to be the first one. */
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
    this.#cancelPause = this.#with.clock.after(millis, () => this.#start());
  }

  /** Up to the first file that the receiver does not take: the others would fare no better now. */
  async #sendAll(): Promise<void> {
    const { spool } = this.#with;
    let isReachable = true;
    for (const name of spool.unclaimed()) {
      if (!isReachable || this.#isStopped) break;
      const batch = spool.claim(name);
      if (batch !== undefined) isReachable = await this.#send(batch);
    }
    this.#failures = isReachable ? 0 : this.#failures + 1;
  }

  /** Returns whether the receiver can be expected to take another one. */
  async #send(batch: ClaimedBatch): Promise<boolean> {
    const { spool } = this.#with;
    const { outcome } = await this.#sendWhole(batch);
    if (outcome === 'accepted') {
      spool.remove(batch.name);
      return true;
    }
    if (spool.isTooOld(batch)) {
      spool.remove(batch.name);
      this.#with.losses.add('expired', batch.decisions, EXPIRED);
    } else {
      spool.release(batch);
    }
    // What is wrong with one file need not be wrong with the next.
    return outcome !== 'retry';
  }

  async #sendWhole(batch: Batch): Promise<SendResult> {
    const result = await this.#with.sender.send(batch.body);
    if (result.outcome === 'accepted') {
      const { rejected } = result;
      this.#with.losses.add('rejected', rejected, `The receiver rejected ${rejected} spans of the spool.`);
    }
    if (result.outcome === 'refused') this.#mentionRefusal(result.status);
    if (result.outcome !== 'too_large') return result;
    const parts = partsOf(batch);
    if (parts.length === 0) this.#mentionRefusal(413);
    let last: SendResult = result;
    for (const part of parts) {
      last = await this.#sendWhole(part);
      if (last.outcome !== 'accepted') break;
    }
    return last;
  }

  #mentionRefusal(status: number): void {
    if (this.#isRefused) return;
    this.#isRefused = true;
    log(
      'warn',
      `the receiver refuses a file of the spool with status ${status}: ` +
        'it is kept and sent again, until the receiver takes it or it is too old.',
    );
  }
}

const EXPIRED =
  'A file of the spool was not accepted for 48 hours and is deleted: receivers take no spans that are older.';

function partsOf(batch: Batch): readonly Batch[] {
  try {
    return divideBatch(batch);
  } catch {
    return [];
  }
}

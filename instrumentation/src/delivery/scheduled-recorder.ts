import { AsyncLocalStorage } from 'node:async_hooks';
import type { Coalescer } from '../coalescing/coalescer.ts';
import { log } from '../log.ts';
import type { Observation, Recorder } from '../observation.ts';
import { decisionsOf, type UnsentBatch } from './batch.ts';
import type { Clock } from './clock.ts';
import type { Delivery } from './delivery.ts';
import type { Loss, Losses } from './losses.ts';
import type { SpoolReplay } from './spool-replay.ts';

/** Spans in one body. */
const BATCH = 512;
/** What is due waits so long for company. */
const LINGER_MILLIS = 1_000;
const DRAINING_LINGER_MILLIS = 20;
/** A process that is still there after this was not about to end. */
const DRAINING_MILLIS = 60_000;
const FLUSH_TIMEOUT_MILLIS = 10_000;

interface Parts {
  readonly coalescer: Coalescer;
  readonly delivery: Delivery;
  readonly losses: Losses;
  readonly clock: Clock;
  /** Keeps batches that were not accepted, and returns those that could not be kept. */
  readonly keep: (batches: readonly UnsentBatch[]) => readonly UnsentBatch[];
  /** Sends what earlier processes kept. */
  readonly replay: SpoolReplay | undefined;
}

/** Runs in the context of this module rather than in that of the request that happened to come first. */
const inOwnContext = AsyncLocalStorage.snapshot();

/**
 * Decides when spans are cut: in rounds, one at a time. A round cuts batch after batch of what is due, each
 * only when the one before is settled, so that there is never more than one in flight and the rest waits as
 * counts.
 */
export class ScheduledRecorder implements Recorder {
  readonly #parts: Parts;
  readonly #onShutdown: (() => void)[] = [];
  #round: Promise<void> | undefined;
  #timer: { readonly delay: number; readonly cancel: () => void } | undefined;
  #drainingUntil = 0;
  #isShutDown = false;
  #hasFailed = false;
  #onChange = () => {};

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Everything recorded so far has been settled. */
  get isSettled(): boolean {
    return this.#round === undefined && this.#parts.coalescer.waiting === 0;
  }

  /** Nothing is left to do. */
  get isIdle(): boolean {
    return this.isSettled && !this.#parts.replay?.isUnderWay;
  }

  /** The listener is called when `isSettled` may have changed: not with every decision. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** Decisions that were observed and will not arrive, by cause. */
  get lost(): Readonly<Partial<Record<Loss, number>>> {
    return this.#parts.losses.counts;
  }

  record(observation: Observation): void {
    try {
      if (this.#isShutDown) {
        this.#parts.losses.add(
          'after_shutdown',
          1,
          'A decision came after the shutdown and is not reported.',
        );
        return;
      }
      this.#parts.coalescer.record(observation);
      if (this.#round === undefined) this.#schedule();
    } catch (error) {
      this.#logFailure('A decision could not be counted', error);
    }
  }

  async flush(timeoutMillis: number = FLUSH_TIMEOUT_MILLIS): Promise<void> {
    // It is this timer that keeps the process alive while somebody waits, and for no longer than that.
    let cancel = () => {};
    const timeUp = new Promise<void>((resolve) => {
      cancel = this.#parts.clock.after(timeoutMillis, resolve, true);
    });
    const done = Promise.all([this.#deliverEverything(timeoutMillis), this.#parts.replay?.settled()]);
    await Promise.race([done, timeUp]);
    cancel();
  }

  /**
   * Gives everything that is not settled to the caller, who has to see to it: what is under way under the ids that
   * it has, and what still waits as counts.
   */
  takeUnsettled(): UnsentBatch[] {
    const { coalescer, delivery, clock } = this.#parts;
    const batches = delivery.takeUnsettled();
    for (;;) {
      const spans = coalescer.cut(clock.now(), BATCH, true);
      if (spans.length === 0) break;
      batches.push(...delivery.encode(spans));
    }
    this.#onChange();
    return batches;
  }

  /** The process is about to end: from now on everything is sent almost at once. */
  drain(): void {
    this.#drainingUntil = this.#parts.clock.now() + DRAINING_MILLIS;
  }

  async shutdown(timeoutMillis?: number): Promise<void> {
    if (this.#isShutDown) return;
    await this.flush(timeoutMillis);
    if (this.#isShutDown) return;
    this.#isShutDown = true;
    this.#timer?.cancel();
    const { losses, delivery, keep, replay } = this.#parts;
    const lost = decisionsOf(keep(this.takeUnsettled()));
    losses.add('unsent', lost, 'Decisions were still unsent at the shutdown: give it more time.');
    delivery.close();
    replay?.stop();
    for (const action of this.#onShutdown) action();
  }

  onShutdown(action: () => void): void {
    this.#onShutdown.push(action);
  }

  async #deliverEverything(timeoutMillis: number): Promise<void> {
    this.#parts.delivery.retryNow(timeoutMillis);
    while (this.#round !== undefined) await this.#round;
    await this.#startRound(true);
  }

  #schedule(): void {
    const { coalescer, clock } = this.#parts;
    const isDraining = this.#drainingUntil > 0 && clock.now() < this.#drainingUntil;
    const linger = isDraining ? DRAINING_LINGER_MILLIS : LINGER_MILLIS;
    const delay = coalescer.own >= BATCH ? 0 : linger;
    if (this.#timer !== undefined && this.#timer.delay <= delay) return;
    this.#timer?.cancel();
    const cancel = clock.after(delay, () => void this.#startRound(isDraining));
    const isFirst = this.#timer === undefined;
    this.#timer = { delay, cancel };
    if (isFirst) this.#onChange();
  }

  #startRound(isEverythingDue: boolean): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#round = inOwnContext(() => this.#deliverDue(isEverythingDue)).finally(() => {
      this.#round = undefined;
      if (this.#parts.coalescer.waiting > 0 && !this.#isShutDown) this.#schedule();
      else this.#onChange();
    });
    return this.#round;
  }

  async #deliverDue(isEverythingDue: boolean): Promise<void> {
    const { coalescer, delivery, losses, clock } = this.#parts;
    for (let wasFull = true; wasFull; ) {
      const spans = coalescer.cut(clock.now(), BATCH, isEverythingDue);
      if (spans.length === 0) return;
      try {
        await delivery.deliver(spans);
      } catch (error) {
        losses.add('failed', decisionsOf(spans), 'Decision spans could not be delivered; the error follows.');
        this.#logFailure('Decision spans could not be delivered', error);
      }
      wasFull = spans.length === BATCH;
    }
  }

  #logFailure(what: string, error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    log('error', `${what}; later failures are not logged.`, error);
  }
}

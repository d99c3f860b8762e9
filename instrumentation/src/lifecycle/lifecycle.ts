import { isMainThread } from 'node:worker_threads';
import { decisionsOf, type UnsentBatch } from '../delivery/batch.ts';
import { log, writeWarningsAtOnce } from '../log.ts';
import { deliverFinally } from './final-delivery.ts';
import type { ProcessEvents } from './process-events.ts';
import { Signals } from './signals.ts';
import { stopReading } from './stop-reading.ts';
import { ThreadGroup } from './threads.ts';

/** As much of a recorder as the end of a process needs. */
export interface Endable {
  /** Everything recorded so far has been settled. */
  readonly isSettled: boolean;
  /** Nothing at all is left to do. */
  readonly isIdle: boolean;
  flush(timeoutMillis: number): Promise<void>;
  drain(): void;
  takeUnsettled(): UnsentBatch[];
  /** The listener is called when `isSettled` may have changed. */
  onChange(listener: () => void): void;
}

export interface LifecycleOptions {
  readonly handleSignals: boolean;
  readonly shutdownTimeoutMillis: number;
  readonly exitTimeoutMillis: number;
}

/** One for all copies of this package in the thread: of two that wait for a signal each would see a listener. */
const LIFECYCLE = Symbol.for('@originscope/instrumentation-cors/lifecycle/1');

/**
 * Delivers what a recorder has when its process ends: asynchronously when nothing is left to do or a signal ends
 * it, and synchronously in `exit` and `process.kill`. By which code or signal it ends stays as it is without us.
 *
 * @returns what ends that
 */
export function attachLifecycle(
  recorder: Endable,
  process: ProcessEvents,
  options: LifecycleOptions,
): () => void {
  const place = process as ProcessEvents & { [LIFECYCLE]?: Lifecycle | undefined };
  place[LIFECYCLE] ??= new Lifecycle(process, () => {
    place[LIFECYCLE] = undefined;
  });
  return place[LIFECYCLE].add(recorder, options);
}

class Lifecycle {
  readonly #process: ProcessEvents;
  readonly #members = new Map<Endable, LifecycleOptions>();
  readonly #signals: Signals;
  readonly #threads: ThreadGroup | undefined;
  readonly #onEmpty: () => void;
  readonly #reallyExit: ProcessEvents['reallyExit'];
  #handlesSignals = false;
  /** When the first signal came that asks the process to end, by `performance.now()`. */
  #signalledAt: number | undefined;
  #hasWaitedForSignals = false;
  #isEnding = false;
  #hasGivenUp = false;

  constructor(process: ProcessEvents, onEmpty: () => void) {
    this.#process = process;
    this.#onEmpty = onEmpty;
    this.#signals = new Signals(process, {
      isEnding: () => this.#isEnding,
      onHandled: () => void this.#onSignal(),
      beforeEnd: () => this.#onSignal(),
      atEnd: (isImpatient) => this.#deliverFinally(isImpatient ? 0 : this.#finalMillis),
    });
    this.#threads = ThreadGroup.join({
      flush: (millis) => this.#onSignal(millis),
      takeUnsettled: (millis) => this.#takeUnsettled(millis),
      deliverFinally: (millis) => this.#deliverFinally(millis),
    });
    process.on('beforeExit', this.#onBeforeExit);
    // Before all others: one that throws ends the event.
    process.prependListener('exit', this.#onExit);
    this.#reallyExit = process.reallyExit;
    if (isMainThread && this.#reallyExit !== undefined) process.reallyExit = this.#reallyExitInstead;
  }

  add(recorder: Endable, options: LifecycleOptions): () => void {
    this.#members.set(recorder, options);
    recorder.onChange(this.#onChange);
    if (options.handleSignals && !this.#handlesSignals && isMainThread) {
      this.#handlesSignals = true;
      this.#signals.attach();
    }
    return () => this.#remove(recorder);
  }

  #remove(recorder: Endable): void {
    this.#members.delete(recorder);
    this.#onChange();
    if (this.#members.size > 0) return;
    this.#signals.detach();
    this.#threads?.leave();
    this.#process.removeListener('beforeExit', this.#onBeforeExit);
    this.#process.removeListener('exit', this.#onExit);
    if (this.#process.reallyExit === this.#reallyExitInstead) this.#process.reallyExit = this.#reallyExit;
    this.#onEmpty();
  }

  readonly #onChange = (): void => {
    this.#threads?.setUnsettled(this.#recorders.some(({ isSettled }) => !isSettled));
  };

  readonly #onBeforeExit = (): void => {
    if (this.#signalledAt !== undefined && !this.#hasWaitedForSignals) {
      // A signal that the process has raised itself may be on its way, and comes with the next turn.
      this.#hasWaitedForSignals = true;
      setImmediate(() => {});
    }
    // The event comes again after every flush; one that could not send everything must be the last.
    if (this.#hasGivenUp || this.#isIdle) return;
    this.#isEnding = true;
    void this.#flush(this.#shutdownMillis).finally(() => {
      this.#isEnding = false;
      this.#hasGivenUp = !this.#isIdle;
    });
  };

  readonly #onExit = (): void => {
    if (this.#signals.isFatal) this.#signals.end();
    this.#deliverFinally(this.#finalMillis);
    if (isMainThread) return;
    stopReading();
    this.#threads?.leave();
  };

  /** A listener before ours that calls `process.exit` again ends the event without us. */
  readonly #reallyExitInstead = (code?: number): never => {
    this.#onExit();
    return this.#reallyExit?.call(this.#process, code) as never;
  };

  /** Sends what is pending, and what comes from now on almost at once. The time counts from the first signal. */
  async #onSignal(millis: number = this.#shutdownMillis): Promise<void> {
    const now = performance.now();
    if (this.#signalledAt === undefined || now - this.#signalledAt > this.#shutdownMillis) {
      this.#signalledAt = now;
    }
    this.#hasWaitedForSignals = false;
    for (const recorder of this.#recorders) recorder.drain();
    await this.#flush(millis);
  }

  async #flush(millis: number): Promise<void> {
    const own = this.#recorders.map((recorder) => recorder.flush(millis));
    await Promise.all([...own, this.#threads?.flushDependents(millis)]);
  }

  /**
   * Runs where an exception would change how the process ends. A second round has what a thread decided before it
   * was stopped; then everything stands still.
   */
  #deliverFinally(millis: number): void {
    writeWarningsAtOnce();
    const deadline = performance.now() + millis;
    const left = () => Math.max(0, deadline - performance.now());
    try {
      let lost = 0;
      for (;;) {
        const batches = this.#takeUnsettled(left());
        if (batches.length === 0) break;
        lost += decisionsOf(deliverFinally(batches, left()));
      }
      if (lost > 0) log('warn', unsentMessage(lost));
      if (this.#threads?.areDependentsSettled === false) log('warn', THREADS_UNHEARD);
    } catch (error) {
      log('error', 'what is unsent could not be delivered while the process ends', error);
    }
  }

  /** Of this thread, and of those that end with it. */
  #takeUnsettled(millis: number): UnsentBatch[] {
    const own = this.#recorders.filter(({ isSettled }) => !isSettled);
    return [
      ...(this.#threads?.takeFromDependents(millis) ?? []),
      ...own.flatMap((recorder) => recorder.takeUnsettled()),
    ];
  }

  get #recorders(): Endable[] {
    return [...this.#members.keys()];
  }

  get #isIdle(): boolean {
    return this.#recorders.every(({ isIdle }) => isIdle) && this.#threads?.areDependentsSettled !== false;
  }

  get #shutdownMillis(): number {
    return Math.max(0, ...[...this.#members.values()].map((options) => options.shutdownTimeoutMillis));
  }

  /** After a signal what is left of its time comes on top. */
  get #finalMillis(): number {
    const exitMillis = Math.max(...[...this.#members.values()].map((options) => options.exitTimeoutMillis));
    if (this.#signalledAt === undefined) return exitMillis;
    return exitMillis + Math.max(0, this.#signalledAt + this.#shutdownMillis - performance.now());
  }
}

const THREADS_UNHEARD =
  'the process ends before each of its threads could hand over its decisions: they were busy for too long.';

function unsentMessage(decisions: number): string {
  return (
    `the process ends with ${decisions} unsent decisions, because the receiver did not accept them in time: ` +
    'check that it runs where ORIGINSCOPE_ENDPOINT says, or give it a spool (ORIGINSCOPE_SPOOL).'
  );
}

import { isMainThread } from 'node:worker_threads';
import { decisionsOf, type UnsentBatch } from '../delivery/batch.ts';
import { log, writeWarningsAtOnce } from '../log.ts';
import { deliverFinally } from './final-delivery.ts';
import type { ProcessEvents } from './process-events.ts';
import { Signals } from './signals.ts';
import { stopReading } from './stop-reading.ts';
import { ThreadGroup } from './threads.ts';

/** The part of a recorder that is needed when the process ends. */
export interface Endable {
  /** Whether everything recorded so far is settled. */
  readonly isSettled: boolean;
  /** Whether there is nothing left to do. */
  readonly isIdle: boolean;
  flush(timeoutMillis: number): Promise<void>;
  drain(): void;
  takeUnsettled(): UnsentBatch[];
  /** Registers a listener that is called when `isSettled` may have changed. */
  onChange(listener: () => void): void;
}

export interface LifecycleOptions {
  readonly handleSignals: boolean;
  readonly shutdownTimeoutMillis: number;
  readonly exitTimeoutMillis: number;
}

/**
 * Shared by all copies of this package in the thread: two instances waiting for a signal would each see the
 * other's listener.
 */
const LIFECYCLE = Symbol.for('@originscope/instrumentation-cors/lifecycle/1');

/**
 * Delivers pending spans when the process ends: asynchronously when the event loop is empty or a signal
 * terminates it, synchronously in `exit` and `process.kill`. Exit code and signal are not changed.
 *
 * @returns a function that detaches the recorder
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
  /** When the first terminating signal arrived, by `performance.now()`. */
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
    // First of all listeners, because one that throws ends the event.
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
      // A signal that the process raised itself may be pending until the next turn of the event loop.
      this.#hasWaitedForSignals = true;
      setImmediate(() => {});
    }
    // The event is emitted again after every flush; stop after one that could not send everything.
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

  /** An earlier listener that calls `process.exit` again ends the event before ours runs. */
  readonly #reallyExitInstead = (code?: number): never => {
    this.#onExit();
    return this.#reallyExit?.call(this.#process, code) as never;
  };

  /** Sends pending spans, and later ones almost immediately. The time limit starts with the first signal. */
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
   * Runs where an exception would change how the process ends. The second round collects what a thread
   * decided before it was stopped.
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
      if (this.#threads?.areDependentsSettled === false) log('warn', THREADS_UNANSWERED);
    } catch (error) {
      log('error', 'pending decisions could not be delivered while the process ends', error);
    }
  }

  /** Of this thread and of the threads that end with it. */
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

  /** After a signal, the rest of its time limit is added. */
  get #finalMillis(): number {
    const exitMillis = Math.max(...[...this.#members.values()].map((options) => options.exitTimeoutMillis));
    if (this.#signalledAt === undefined) return exitMillis;
    return exitMillis + Math.max(0, this.#signalledAt + this.#shutdownMillis - performance.now());
  }
}

const THREADS_UNANSWERED =
  'the process ends before all of its threads could hand over their decisions: they were busy for too long.';

function unsentMessage(decisions: number): string {
  return (
    `the process ends with ${decisions} unsent decisions, because the receiver did not accept them in time: ` +
    'check that it runs at ORIGINSCOPE_ENDPOINT, or set a spool directory (ORIGINSCOPE_SPOOL).'
  );
}

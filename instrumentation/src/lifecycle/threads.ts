import {
  BroadcastChannel,
  getEnvironmentData,
  isMainThread,
  type MessagePort,
  receiveMessageOnPort,
  setEnvironmentData,
  threadId,
  type Worker,
} from 'node:worker_threads';
import type { UnsentBatch } from '../delivery/batch.ts';
import { stopReading } from './stop-reading.ts';

/** What a thread does when another thread requests it. */
export interface ThreadCallbacks {
  /** Sends pending spans while the thread continues. */
  flush(millis: number): Promise<void>;
  takeUnsettled(millis: number): UnsentBatch[];
  /** Final attempt to deliver pending spans; the thread is terminated afterwards. */
  deliverFinally(millis: number): void;
}

/** `hand_over` and `end` stop the thread: later decisions could not be delivered. */
type Kind = 'flush' | 'hand_over' | 'end';

interface Request {
  readonly number: number;
  readonly kind: Kind;
  readonly millis: number;
  /** The addressed threads; undefined for all others. */
  readonly threads: readonly number[] | undefined;
  readonly from: number;
}

/** Environment data is passed to every thread that is started later; the memory it refers to is shared. */
const NAME = '@originscope/instrumentation-cors/threads/1';
const SLOTS = 1_024;
/**
 * Layout of the shared memory: the number of the last request, a counter of responses and other changes to
 * wait on, and a word that never changes; then, for each slot, the id of its thread (0: free), its state,
 * and the last requests that it received and answered.
 */
const LAST_REQUEST = 0;
const CHANGES = 1;
const NEVER = 2;
const FIRST_SLOT = 3;
const SLOT_WORDS = 4;
const [ID, STATE, RECEIVED, ANSWERED] = [0, 1, 2, 3];
/** A thread that never recorded anything has state 0 and is ignored. */
const [SETTLED, UNSETTLED] = [1, 2];

const POLL_MILLIS = 10;
/**
 * An idle thread responds faster than this. Also the wait for a thread that had nothing unsettled when it
 * was asked.
 */
const LEAST_ANSWER_MILLIS = 500;
const STOPPED_MILLIS = 10_000;
/** How long `terminate` gives a thread for its last requests, and in total on a busy machine. */
const TERMINATE_MILLIS = 1_000;
const TERMINATED_MILLIS = 5_000;

/** Whether this is a worker thread of a process whose main thread has a recorder. */
export function isThreadOfObservedProcess(): boolean {
  return !isMainThread && sharedMemory() !== undefined;
}

/**
 * The threads of a process that have a recorder. A signal or `process.exit` ends dependent threads without
 * notice: on the main thread all others, elsewhere those that it started. So it has to collect their
 * pending spans first.
 */
export class ThreadGroup {
  readonly #memory: Int32Array;
  readonly #callbacks: ThreadCallbacks;
  readonly #slot: number | undefined;
  readonly #requests: BroadcastChannel | undefined;
  readonly #onWorker = (worker: Worker) => this.#watch(worker);
  readonly #started = new Set<number>();
  #replies: BroadcastChannel | undefined;
  #hasStopped = false;

  /** @returns undefined where other threads cannot be found */
  static join(callbacks: ThreadCallbacks): ThreadGroup | undefined {
    try {
      const memory = sharedMemory() ?? (isMainThread ? shareMemory() : undefined);
      return memory === undefined ? undefined : new ThreadGroup(memory, callbacks);
    } catch {
      return undefined;
    }
  }

  private constructor(memory: Int32Array, callbacks: ThreadCallbacks) {
    this.#memory = memory;
    this.#callbacks = callbacks;
    if (!isMainThread) {
      this.#slot = this.#takeSlot();
      this.#requests = openChannel(NAME);
      this.#requests.onmessage = ({ data }) => this.#answer(data as Request);
      this.#requests.unref();
    }
    process.on('worker', this.#onWorker);
  }

  /** Publishes whether this thread has unsettled spans. */
  setUnsettled(isUnsettled: boolean): void {
    if (this.#slot === undefined) return;
    if (isUnsettled) this.#set(this.#slot, STATE, UNSETTLED);
    else if (this.#get(this.#slot, STATE) === UNSETTLED) this.#set(this.#slot, STATE, SETTLED);
  }

  /** Whether all dependent threads have settled everything. */
  get areDependentsSettled(): boolean {
    return this.#slotsOf(this.#dependents, UNSETTLED).length === 0;
  }

  /** Resolves when dependent threads have sent their spans, or the time is up. */
  async flushDependents(millis: number): Promise<void> {
    if (!this.areDependentsSettled)
      await this.#answered(this.#ask('flush', millis, this.#dependents), millis);
  }

  /** Stops dependent threads and returns their unsettled batches. Blocks until then. */
  takeFromDependents(millis: number): UnsentBatch[] {
    if (this.#hasStopped || this.#slotsOf(this.#dependents, SETTLED).length === 0) return this.#handedOver();
    this.#hasStopped = true;
    const timeUp = this.#timeUp(millis, millis);
    const request = this.#ask('hand_over', millis, this.#dependents);
    for (;;) {
      const changes = Atomics.load(this.#memory, CHANGES);
      const left = timeUp(request);
      if (left <= 0) break;
      Atomics.wait(this.#memory, CHANGES, changes, left);
    }
    return this.#handedOver();
  }

  leave(): void {
    process.removeListener('worker', this.#onWorker);
    this.#requests?.close();
    this.#replies?.close();
    this.#replies = undefined;
    if (this.#slot !== undefined) this.#free(this.#slot);
  }

  /** Tracks a thread started here until it exits or is terminated. */
  #watch(worker: Worker): void {
    const thread = worker.threadId;
    this.#started.add(thread);
    worker.once('exit', () => {
      this.#started.delete(thread);
      for (const slot of this.#slotsOf([thread])) this.#free(slot);
    });
    const terminate = worker.terminate;
    worker.terminate = () => {
      if (this.#slotsOf([thread], SETTLED).length === 0) return terminate.call(worker);
      const ended = this.#answered(
        this.#ask('end', TERMINATE_MILLIS, [thread]),
        TERMINATED_MILLIS,
        TERMINATE_MILLIS,
      );
      return ended.then(() => terminate.call(worker));
    };
  }

  get #dependents(): readonly number[] | undefined {
    return isMainThread ? undefined : [...this.#started];
  }

  #ask(kind: Kind, millis: number, threads: Request['threads']): Request {
    const number = Atomics.add(this.#memory, LAST_REQUEST, 1) + 1;
    const request: Request = { number, kind, millis, threads, from: threadId };
    if (kind === 'hand_over') this.#replies ??= openChannel(repliesTo(threadId));
    const channel = this.#requests ?? openChannel(NAME);
    channel.postMessage(request);
    if (channel !== this.#requests) channel.close();
    return request;
  }

  #answer(request: Request): void {
    const { kind, millis, threads, from } = request;
    if (this.#slot === undefined || !(threads?.includes(threadId) ?? true)) return;
    this.#set(this.#slot, RECEIVED, request.number);
    if (kind === 'hand_over') {
      const channel = openChannel(repliesTo(from));
      channel.postMessage(this.#callbacks.takeUnsettled(millis));
      channel.close();
      this.#stop(request);
      return;
    }
    void this.#callbacks.flush(millis).then(() => {
      if (kind === 'end') this.#callbacks.deliverFinally(millis);
      if (kind === 'end') this.#stop(request);
      else this.#settle(request);
    });
  }

  #settle({ number }: Request): void {
    if (this.#slot === undefined) return;
    this.#set(this.#slot, ANSWERED, number);
    this.#changed();
  }

  /** Blocks until the thread is terminated. */
  #stop(request: Request): void {
    stopReading();
    this.setUnsettled(false);
    this.#settle(request);
    Atomics.wait(this.#memory, NEVER, 0, STOPPED_MILLIS);
  }

  async #answered(request: Request, millis: number, unansweredMillis: number = millis): Promise<void> {
    const timeUp = this.#timeUp(millis, unansweredMillis);
    while (timeUp(request) > 0) await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
  }

  /**
   * Returns a function that computes the remaining wait for a request; threads may be too busy to receive
   * it.
   */
  #timeUp(millis: number, unansweredMillis: number): (request: Request) => number {
    const start = performance.now();
    let hasUnsettled = false;
    return ({ number, threads }) => {
      const isMissing = (slot: number) => this.#get(slot, ANSWERED) < number;
      const missing = this.#slotsOf(threads, SETTLED).filter(isMissing);
      if (missing.length === 0) return 0;
      hasUnsettled ||= missing.some((slot) => this.#get(slot, STATE) === UNSETTLED);
      const isReceived = missing.some((slot) => this.#get(slot, RECEIVED) >= number);
      const whole = Math.max(isReceived ? millis : hasUnsettled ? unansweredMillis : 0, LEAST_ANSWER_MILLIS);
      return start + whole - performance.now();
    };
  }

  #handedOver(): UnsentBatch[] {
    const batches: UnsentBatch[] = [];
    if (this.#replies === undefined) return batches;
    for (;;) {
      const received = receiveMessageOnPort(this.#replies as unknown as MessagePort);
      if (received === undefined) return batches;
      batches.push(...(received.message as UnsentBatch[]));
    }
  }

  /** The slots of these other threads (undefined: of all) that are at least in this state. */
  #slotsOf(threads: Request['threads'], state = 0): number[] {
    const slots: number[] = [];
    for (let slot = 0; slot < SLOTS; slot++) {
      const id = this.#get(slot, ID);
      if (id === 0 || slot === this.#slot || this.#get(slot, STATE) < state) continue;
      if (threads?.includes(id) ?? true) slots.push(slot);
    }
    return slots;
  }

  #takeSlot(): number | undefined {
    for (let slot = 0; slot < SLOTS; slot++) {
      if (Atomics.compareExchange(this.#memory, wordOf(slot, ID), 0, threadId) === 0) return slot;
    }
    return undefined;
  }

  #free(slot: number): void {
    this.#set(slot, STATE, 0);
    this.#set(slot, RECEIVED, 0);
    this.#set(slot, ANSWERED, 0);
    this.#set(slot, ID, 0);
    this.#changed();
  }

  #changed(): void {
    Atomics.add(this.#memory, CHANGES, 1);
    Atomics.notify(this.#memory, CHANGES);
  }

  #get(slot: number, word: number): number {
    return Atomics.load(this.#memory, wordOf(slot, word));
  }

  #set(slot: number, word: number, value: number): void {
    Atomics.store(this.#memory, wordOf(slot, word), value);
  }
}

function wordOf(slot: number, word: number): number {
  return FIRST_SLOT + slot * SLOT_WORDS + word;
}

function repliesTo(thread: number): string {
  return `${NAME}/to/${thread}`;
}

/** Opens a channel that does not keep the thread alive. */
function openChannel(name: string): BroadcastChannel {
  const channel = new BroadcastChannel(name);
  channel.unref();
  return channel;
}

function sharedMemory(): Int32Array | undefined {
  const buffer = getEnvironmentData(NAME);
  return buffer instanceof SharedArrayBuffer ? new Int32Array(buffer) : undefined;
}

function shareMemory(): Int32Array {
  const words = FIRST_SLOT + SLOTS * SLOT_WORDS;
  const buffer = new SharedArrayBuffer(4 * words);
  setEnvironmentData(NAME, buffer as unknown as Parameters<typeof setEnvironmentData>[1]);
  return new Int32Array(buffer);
}

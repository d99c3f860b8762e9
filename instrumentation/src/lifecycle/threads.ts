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

/** What a thread does when another one asks for it. */
export interface ThreadDuties {
  /** Sends what is pending, while the thread goes on. */
  flush(millis: number): Promise<void>;
  takeUnsettled(millis: number): UnsentBatch[];
  /** Does the last for what is pending; the thread is terminated then. */
  deliverFinally(millis: number): void;
}

/** `hand_over` and `end` stop the thread: what it would still decide could not be delivered any more. */
type Kind = 'flush' | 'hand_over' | 'end';

interface Request {
  readonly number: number;
  readonly kind: Kind;
  readonly millis: number;
  /** The threads that are asked; undefined: all others. */
  readonly threads: readonly number[] | undefined;
  readonly from: number;
}

/** Environment data reaches every thread that is started later; what it names is shared with all of them. */
const NAME = '@originscope/instrumentation-cors/threads/1';
const SLOTS = 1_024;
/**
 * The shared memory: the number of the last request, a count of answers (and of other changes) to wait on, a word
 * that never changes; then for each slot the id of its thread (0: free), its state, and the last requests that it
 * has heard and answered.
 */
const LAST_REQUEST = 0;
const CHANGES = 1;
const NEVER = 2;
const FIRST_SLOT = 3;
const SLOT_WORDS = 4;
const [ID, STATE, HEARD, ANSWERED] = [0, 1, 2, 3];
/** A thread that never recorded anything has state 0 and is left alone. */
const [SETTLED, UNSETTLED] = [1, 2];

const POLL_MILLIS = 10;
/** A thread that is not busy answers in less. So long one is waited for that had nothing unsettled when it was asked. */
const LEAST_ANSWER_MILLIS = 500;
const STOPPED_MILLIS = 10_000;
/** What `terminate` gives a thread for its last requests, and for all that takes when the machine is busy. */
const TERMINATE_MILLIS = 1_000;
const TERMINATED_MILLIS = 5_000;

/** Whether this is a worker thread and the main thread has a recorder, too. */
export function isThreadOfObservedProcess(): boolean {
  return !isMainThread && sharedMemory() !== undefined;
}

/**
 * The threads of a process that have a recorder. A signal, and `process.exit`, end the threads that depend on this
 * one without a word to them: all others on the main one, those that it started on any other. So it has to ask them
 * for what they have.
 */
export class ThreadGroup {
  readonly #memory: Int32Array;
  readonly #duties: ThreadDuties;
  readonly #slot: number | undefined;
  readonly #requests: BroadcastChannel | undefined;
  readonly #onWorker = (worker: Worker) => this.#watch(worker);
  readonly #started = new Set<number>();
  #replies: BroadcastChannel | undefined;
  #hasStopped = false;

  /** @returns undefined where threads cannot be known of */
  static join(duties: ThreadDuties): ThreadGroup | undefined {
    try {
      const memory = sharedMemory() ?? (isMainThread ? shareMemory() : undefined);
      return memory === undefined ? undefined : new ThreadGroup(memory, duties);
    } catch {
      return undefined;
    }
  }

  private constructor(memory: Int32Array, duties: ThreadDuties) {
    this.#memory = memory;
    this.#duties = duties;
    if (!isMainThread) {
      this.#slot = this.#takeSlot();
      this.#requests = openChannel(NAME);
      this.#requests.onmessage = ({ data }) => this.#answer(data as Request);
      this.#requests.unref();
    }
    process.on('worker', this.#onWorker);
  }

  /** Says whether this thread has anything unsettled. */
  setUnsettled(isUnsettled: boolean): void {
    if (this.#slot === undefined) return;
    if (isUnsettled) this.#set(this.#slot, STATE, UNSETTLED);
    else if (this.#get(this.#slot, STATE) === UNSETTLED) this.#set(this.#slot, STATE, SETTLED);
  }

  /** Whether the threads that depend on this one have nothing unsettled. */
  get areDependentsSettled(): boolean {
    return this.#slotsOf(this.#dependents, UNSETTLED).length === 0;
  }

  /** Resolves when the threads that depend on this one have sent what they had, or the time is up. */
  async flushDependents(millis: number): Promise<void> {
    if (!this.areDependentsSettled)
      await this.#answered(this.#ask('flush', millis, this.#dependents), millis);
  }

  /** Stops the threads that depend on this one and returns what they have; the caller stands still until then. */
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

  /** Sees a thread of this one to its end: by itself, or when it is terminated. */
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
    this.#set(this.#slot, HEARD, request.number);
    if (kind === 'hand_over') {
      const channel = openChannel(repliesTo(from));
      channel.postMessage(this.#duties.takeUnsettled(millis));
      channel.close();
      this.#stop(request);
      return;
    }
    void this.#duties.flush(millis).then(() => {
      if (kind === 'end') this.#duties.deliverFinally(millis);
      if (kind === 'end') this.#stop(request);
      else this.#settle(request);
    });
  }

  #settle({ number }: Request): void {
    if (this.#slot === undefined) return;
    this.#set(this.#slot, ANSWERED, number);
    this.#changed();
  }

  /** Stands still until the thread is ended. */
  #stop(request: Request): void {
    stopReading();
    this.setUnsettled(false);
    this.#settle(request);
    Atomics.wait(this.#memory, NEVER, 0, STOPPED_MILLIS);
  }

  async #answered(request: Request, millis: number, unheardMillis: number = millis): Promise<void> {
    const timeUp = this.#timeUp(millis, unheardMillis);
    while (timeUp(request) > 0) await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
  }

  /** How long there still has to be waited for the answers to a request; threads may be too busy to hear it. */
  #timeUp(millis: number, unheardMillis: number): (request: Request) => number {
    const start = performance.now();
    let hasUnsettled = false;
    return ({ number, threads }) => {
      const isMissing = (slot: number) => this.#get(slot, ANSWERED) < number;
      const missing = this.#slotsOf(threads, SETTLED).filter(isMissing);
      if (missing.length === 0) return 0;
      hasUnsettled ||= missing.some((slot) => this.#get(slot, STATE) === UNSETTLED);
      const isHeard = missing.some((slot) => this.#get(slot, HEARD) >= number);
      const whole = Math.max(isHeard ? millis : hasUnsettled ? unheardMillis : 0, LEAST_ANSWER_MILLIS);
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

  /** Of these other threads (undefined: of all), those that are at least in this state. */
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
    this.#set(slot, HEARD, 0);
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

/** One that does not keep the thread alive. */
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

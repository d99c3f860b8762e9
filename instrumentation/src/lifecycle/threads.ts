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

/** What a thread does when another one asks for it. */
export interface ThreadDuties {
  /** Sends what is pending, while the thread goes on. */
  flush(millis: number): Promise<void>;
  takeUnsettled(): UnsentBatch[];
  /** Does the last for what is pending; the thread is terminated then. */
  deliverFinally(millis: number): void;
}

/** `hand_over` and `end` stop the thread: what it would still decide could not be delivered any more. */
type Kind = 'flush' | 'hand_over' | 'end';

interface Request {
  readonly number: number;
  readonly kind: Kind;
  readonly millis: number;
  /** The thread that is asked; 0: all others. */
  readonly thread: number;
  readonly from: number;
}

/** Environment data reaches every thread that is started later; what it names is shared with all of them. */
const NAME = '@originscope/instrumentation-cors/threads/1';
const SLOTS = 1_024;
/**
 * The shared memory: the number of the last request, a count of answers (and of other changes) to wait on, a word
 * that never changes; then for each slot the id of its thread (0: free), whether it has anything unsettled, and
 * the last request that it answered.
 */
const LAST_REQUEST = 0;
const CHANGES = 1;
const NEVER = 2;
const FIRST_SLOT = 3;
const SLOT_WORDS = 3;
const [ID, UNSETTLED, ANSWERED] = [0, 1, 2];

const POLL_MILLIS = 10;
/** A thread that is not busy hands over in less. */
const LEAST_HAND_OVER_MILLIS = 250;
const STOPPED_MILLIS = 10_000;

/** Whether this is a worker thread and the main thread has a recorder, too. */
export function isThreadOfObservedProcess(): boolean {
  return !isMainThread && sharedMemory() !== undefined;
}

/**
 * The threads of a process that have a recorder. A signal, and `process.exit` in the main thread, end all of them
 * without a word to any but the main one, so that one has to ask the others for what they have.
 */
export class ThreadGroup {
  readonly #memory: Int32Array;
  readonly #duties: ThreadDuties;
  readonly #slot: number | undefined;
  readonly #requests: BroadcastChannel | undefined;
  readonly #onWorker = (worker: Worker) => this.#watch(worker);
  #replies: BroadcastChannel | undefined;

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
    if (this.#slot !== undefined) this.#set(this.#slot, UNSETTLED, isUnsettled ? 1 : 0);
  }

  get areOthersSettled(): boolean {
    return this.#unsettledSlots().length === 0;
  }

  /** Resolves when every other thread has sent what it had, or the time is up. */
  async flushOthers(millis: number): Promise<void> {
    if (this.areOthersSettled) return;
    await this.#answered(this.#ask('flush', millis), millis);
  }

  /** Stops the other threads and returns what they have; the caller stands still until then. */
  takeFromOthers(millis: number): UnsentBatch[] {
    if (this.areOthersSettled) return this.#handedOver();
    const deadline = performance.now() + Math.max(millis, LEAST_HAND_OVER_MILLIS);
    const request = this.#ask('hand_over', millis);
    for (;;) {
      const changes = Atomics.load(this.#memory, CHANGES);
      const left = deadline - performance.now();
      if (left <= 0 || this.#missing(request).length === 0) break;
      Atomics.wait(this.#memory, CHANGES, changes, left);
    }
    return this.#handedOver();
  }

  leave(): void {
    process.removeListener('worker', this.#onWorker);
    this.#requests?.close();
    this.#replies?.close();
    if (this.#slot !== undefined) this.#free(this.#slot);
  }

  /** Sees a thread of this one to its end: by itself, or when it is terminated. */
  #watch(worker: Worker): void {
    const thread = worker.threadId;
    worker.once('exit', () => {
      for (const slot of this.#slotsOf(thread)) this.#free(slot);
    });
    const terminate = worker.terminate;
    worker.terminate = () => {
      if (!this.#slotsOf(thread).some((slot) => this.#get(slot, UNSETTLED))) return terminate.call(worker);
      return this.#end(thread).then(() => terminate.call(worker));
    };
  }

  async #end(thread: number): Promise<void> {
    const millis = 1_000;
    // Once for its requests under way, and once more for what they leave.
    await this.#answered(this.#ask('end', millis, thread), 2 * millis);
  }

  #ask(kind: Kind, millis: number, thread = 0): Request {
    const number = Atomics.add(this.#memory, LAST_REQUEST, 1) + 1;
    const request: Request = { number, kind, millis, thread, from: threadId };
    if (kind === 'hand_over') this.#replies ??= openChannel(repliesTo(threadId));
    const channel = this.#requests ?? openChannel(NAME);
    channel.postMessage(request);
    if (channel !== this.#requests) channel.close();
    return request;
  }

  #answer(request: Request): void {
    const { kind, millis, thread, from } = request;
    if (this.#slot === undefined || (thread !== 0 && thread !== threadId)) return;
    if (kind === 'hand_over') {
      const channel = openChannel(repliesTo(from));
      channel.postMessage(this.#duties.takeUnsettled());
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
    this.setUnsettled(false);
    this.#settle(request);
    Atomics.wait(this.#memory, NEVER, 0, STOPPED_MILLIS);
  }

  async #answered(request: Request, millis: number): Promise<void> {
    const deadline = performance.now() + millis;
    while (this.#missing(request).length > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
    }
  }

  #missing({ number, thread }: Request): number[] {
    return this.#unsettledSlots().filter(
      (slot) => this.#get(slot, ANSWERED) < number && (thread === 0 || this.#get(slot, ID) === thread),
    );
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

  #unsettledSlots(): number[] {
    return this.#slotsOf(undefined).filter((slot) => slot !== this.#slot && this.#get(slot, UNSETTLED) === 1);
  }

  #slotsOf(thread: number | undefined): number[] {
    const slots: number[] = [];
    for (let slot = 0; slot < SLOTS; slot++) {
      const id = this.#get(slot, ID);
      if (id !== 0 && (thread === undefined || id === thread)) slots.push(slot);
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
    this.#set(slot, UNSETTLED, 0);
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

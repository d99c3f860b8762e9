import { constants } from 'node:os';
import type { ProcessEvents } from './process-events.ts';

/** Callbacks for signals. */
export interface SignalCallbacks {
  /** Whether the process has nothing left to do and is only kept alive by the final flush. */
  readonly isEnding: () => boolean;
  /** The application handles the signal and may or may not end the process. */
  onHandled(): void;
  /** The signal ends the process. Resolves when it may end. */
  beforeEnd(): Promise<void>;
  /** The signal ends the process now; the event loop will not run again. */
  atEnd(isImpatient: boolean): void;
}

/** The signals that request termination. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const;
/** Signals that do not terminate by default, as Node sets them up, or that cannot be handled (SIGKILL). */
const NOT_ENDING = new Set(
  'SIGKILL SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGCONT SIGCHLD SIGURG SIGWINCH SIGPIPE SIGXFSZ SIGIO SIGPOLL SIGINFO SIGUSR1'.split(
    ' ',
  ),
);
/** A second Ctrl+C after this means that the user does not want to wait; an earlier one is a duplicate. */
const IMPATIENT_AFTER_MILLIS = 1_000;

/**
 * Listens to signals without changing whether and how they end the process:
 *
 * - Other listeners decide. While they run, ours is removed, because some raise the signal again if there
 *   is no other listener.
 * - Without another listener, the signal terminates the process. It is raised again, without any listener,
 *   after pending spans are delivered.
 * - `process.kill` on the process itself terminates it before the call returns, so the final delivery
 *   happens inside it. An asynchronous handler calls it when it is done; with our listener still attached,
 *   the signal would only arrive with the next turn of an event loop that may have none.
 */
export class Signals {
  readonly #process: ProcessEvents;
  readonly #callbacks: SignalCallbacks;
  readonly #kill: NodeJS.Process['kill'];
  #isAttached = false;
  #fatal: { readonly signal: NodeJS.Signals; readonly since: number } | undefined;

  constructor(process: ProcessEvents, callbacks: SignalCallbacks) {
    this.#process = process;
    this.#callbacks = callbacks;
    this.#kill = process.kill;
  }

  attach(): void {
    this.#isAttached = true;
    for (const signal of SIGNALS) this.#listen(signal);
    this.#process.kill = this.#killInstead;
  }

  detach(): void {
    this.#isAttached = false;
    for (const signal of SIGNALS) this.#process.removeListener(signal, this.#onSignal);
    if (this.#process.kill === this.#killInstead) this.#process.kill = this.#kill;
  }

  /** Whether a signal would have ended the process already, if the flush did not keep it alive. */
  get isFatal(): boolean {
    return this.#fatal !== undefined;
  }

  /** Ends the process by the pending signal. */
  end(isImpatient = false): void {
    if (this.#fatal === undefined) return;
    const { signal } = this.#fatal;
    this.#callbacks.atEnd(isImpatient);
    // A listener that was added since then would not have had the time.
    this.#process.removeAllListeners(signal);
    this.#kill.call(this.#process, this.#process.pid, signal);
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    if (this.#fatal !== undefined) {
      const isImpatient = performance.now() - this.#fatal.since > IMPATIENT_AFTER_MILLIS;
      if (signal === 'SIGINT' && isImpatient) this.end(true);
      return;
    }
    this.#process.removeListener(signal, this.#onSignal);
    if (this.#process.listenerCount(signal) > 0) {
      process.nextTick(() => this.#listen(signal));
      this.#callbacks.onHandled();
      return;
    }
    this.#listen(signal);
    if (this.#isInit) {
      this.#callbacks.onHandled();
      return;
    }
    const fatal = { signal, since: performance.now() };
    const end = () => {
      this.#fatal = fatal;
      this.end();
    };
    if (this.#callbacks.isEnding()) {
      // Only a process that does not end by itself afterwards would have received the signal.
      void this.#callbacks.beforeEnd().finally(() => setTimeout(end, 1).unref());
      return;
    }
    this.#fatal = fatal;
    // For instance of a cluster worker that outlives its primary, where no one would see it.
    this.#process.prependListener('uncaughtException', () => this.end());
    void this.#callbacks.beforeEnd().finally(end);
  };

  #listen(signal: NodeJS.Signals): void {
    if (!this.#isAttached) return;
    try {
      this.#process.prependListener(signal, this.#onSignal);
    } catch {
      // The platform does not have this signal.
    }
  }

  readonly #killInstead = (pid: number, signal?: string | number): true => {
    const name = nameOf(signal);
    if (isSelf(pid, this.#process.pid) && name !== undefined && this.#ends(name)) {
      this.#callbacks.atEnd(false);
      this.#process.removeListener(name, this.#onSignal);
    }
    return this.#kill.call(this.#process, pid, signal);
  };

  #ends(signal: NodeJS.Signals): boolean {
    if (NOT_ENDING.has(signal) || this.#isInit) return false;
    return this.#process.listeners(signal).every((listener) => listener === this.#onSignal);
  }

  /** The kernel does not deliver unhandled signals to the first process of a container. */
  get #isInit(): boolean {
    return this.#process.pid === 1;
  }
}

/** As `process.kill` interprets it. */
function nameOf(signal: string | number | undefined): NodeJS.Signals | undefined {
  const wanted = typeof signal === 'number' ? signal : signal || 'SIGTERM';
  const known = Object.entries(constants.signals) as [NodeJS.Signals, number][];
  return known.find(([name, number]) => wanted === name || wanted === number)?.[0];
}

/** The process itself or its process group. */
function isSelf(pid: unknown, own: number): boolean {
  return Number(pid) === own || pid === 0;
}

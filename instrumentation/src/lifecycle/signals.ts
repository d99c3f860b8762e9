import { constants } from 'node:os';
import type { ProcessEvents } from './process-events.ts';

/** What happens at a signal. */
export interface SignalDuties {
  /** The process has nothing left to do and would have ended, if we did not keep it for a while. */
  readonly isEnding: () => boolean;
  /** The application handles the signal, and may end the process or not. */
  onHandled(): void;
  /** The signal ends the process. Resolves when it may. */
  beforeEnd(): Promise<void>;
  /** The signal ends the process now: no event loop will run any more. */
  atEnd(isImpatient: boolean): void;
}

/** The signals by which processes are asked to end. */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const;
/** Of these a process does not end by default, as Node sets them up; or nothing can be done before (SIGKILL). */
const NOT_ENDING = new Set(
  'SIGKILL SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGCONT SIGCHLD SIGURG SIGWINCH SIGPIPE SIGXFSZ SIGIO SIGPOLL SIGINFO SIGUSR1'.split(
    ' ',
  ),
);
/** Whoever presses Ctrl+C again after so long does not want to wait; what comes sooner was sent twice. */
const IMPATIENT_AFTER_MILLIS = 1_000;

/**
 * Hears of signals, and leaves it to the rest of the process whether and how they end it:
 *
 * - Other listeners decide by themselves. While they are called ours is away, because some raise the signal again
 *   if no other listener is there.
 * - Without another listener the signal ends the process. It is raised again, without any listener, when what is
 *   pending was seen to.
 * - `process.kill` of the process itself ends it before it returns, so that the last has to be done in it. An
 *   asynchronous handler calls it when it is done; and with our listener still there, the signal would only arrive
 *   with the next turn of an event loop that may have none.
 */
export class Signals {
  readonly #process: ProcessEvents;
  readonly #duties: SignalDuties;
  readonly #kill: NodeJS.Process['kill'];
  #isAttached = false;
  #fatal: { readonly signal: NodeJS.Signals; readonly since: number } | undefined;

  constructor(process: ProcessEvents, duties: SignalDuties) {
    this.#process = process;
    this.#duties = duties;
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

  /** A signal would have ended the process already, if we did not keep it for a while. */
  get isFatal(): boolean {
    return this.#fatal !== undefined;
  }

  /** Ends the process by the signal that it waits to be ended by. */
  end(isImpatient = false): void {
    if (this.#fatal === undefined) return;
    const { signal } = this.#fatal;
    this.#duties.atEnd(isImpatient);
    // Who began to listen since then would not have had the time.
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
      this.#duties.onHandled();
      return;
    }
    this.#listen(signal);
    if (this.#isInit) {
      this.#duties.onHandled();
      return;
    }
    const fatal = { signal, since: performance.now() };
    const end = () => {
      this.#fatal = fatal;
      this.end();
    };
    if (this.#duties.isEnding()) {
      // Only a process that does not end by itself afterwards would have met the signal.
      void this.#duties.beforeEnd().finally(() => setTimeout(end, 1).unref());
      return;
    }
    this.#fatal = fatal;
    // Such as of a cluster's worker that outlives its primary: nobody would have seen it.
    this.#process.prependListener('uncaughtException', () => this.end());
    void this.#duties.beforeEnd().finally(end);
  };

  #listen(signal: NodeJS.Signals): void {
    if (!this.#isAttached) return;
    try {
      this.#process.prependListener(signal, this.#onSignal);
    } catch {
      // A platform without this signal: it ends nothing there.
    }
  }

  readonly #killInstead = (pid: number, signal?: string | number): true => {
    const name = nameOf(signal);
    if (isSelf(pid, this.#process.pid) && name !== undefined && this.#ends(name)) {
      this.#duties.atEnd(false);
      this.#process.removeListener(name, this.#onSignal);
    }
    return this.#kill.call(this.#process, pid, signal);
  };

  #ends(signal: NodeJS.Signals): boolean {
    if (NOT_ENDING.has(signal) || this.#isInit) return false;
    return this.#process.listeners(signal).every((listener) => listener === this.#onSignal);
  }

  /** The kernel spares the first process of a container every signal that it does not listen to. */
  get #isInit(): boolean {
    return this.#process.pid === 1;
  }
}

/** As `process.kill` reads it. */
function nameOf(signal: string | number | undefined): NodeJS.Signals | undefined {
  const wanted = typeof signal === 'number' ? signal : signal || 'SIGTERM';
  const known = Object.entries(constants.signals) as [NodeJS.Signals, number][];
  return known.find(([name, number]) => wanted === name || wanted === number)?.[0];
}

/** Itself, or its whole process group. */
function isSelf(pid: unknown, own: number): boolean {
  return Number(pid) === own || pid === 0;
}

import { log } from './log.ts';

/** As much of a recorder as the end of a process needs. */
export interface Drainable {
  readonly isIdle: boolean;
  flush(timeoutMillis: number): Promise<void>;
  drain(): void;
}

/** As much of `process` as is needed to learn of its end. */
export type ProcessEvents = Pick<
  NodeJS.Process,
  'on' | 'prependListener' | 'removeListener' | 'listenerCount' | 'kill' | 'pid'
>;

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
const EXIT_TIMEOUT_MILLIS = 5_000;
const SIGNAL_TIMEOUT_MILLIS = 3_000;

const UNSENT =
  'the process ends with unsent decisions, because the receiver did not accept them in time: ' +
  'check that it runs where ORIGINSCOPE_ENDPOINT says.';

/**
 * Flushes when the process has nothing left to do and, with `handleSignals`, when it is asked to end. Returns
 * what takes all listeners away again.
 */
export function attachLifecycle(
  recorder: Drainable,
  events: ProcessEvents,
  handleSignals: boolean,
): () => void {
  let hasGivenUp = false;
  const onBeforeExit = () => {
    // The event comes again after every flush; one that could not send everything must be the last.
    if (recorder.isIdle || hasGivenUp) return;
    void recorder.flush(EXIT_TIMEOUT_MILLIS).then(() => {
      hasGivenUp = !recorder.isIdle;
      if (hasGivenUp) log('warn', UNSENT);
    });
  };

  /**
   * Whether the process ends stays what it would be without us. So we take our listener away before anybody
   * else can count it, and raise the signal again only if no one is left to hear it. With other listeners the
   * application decides: while it drains, its requests go on being counted and sent.
   */
  const onSignal = (signal: NodeJS.Signals) => {
    events.removeListener(signal, onSignal);
    recorder.drain();
    const isOnlyOurs = events.listenerCount(signal) === 0;
    void recorder.flush(SIGNAL_TIMEOUT_MILLIS).then(() => {
      if (isOnlyOurs && !recorder.isIdle) log('warn', UNSENT);
      if (isOnlyOurs) events.kill(events.pid, signal);
      else if (isAttached) events.prependListener(signal, onSignal);
    });
  };

  let isAttached = true;
  events.on('beforeExit', onBeforeExit);
  if (handleSignals) for (const signal of SIGNALS) events.prependListener(signal, onSignal);
  return () => {
    isAttached = false;
    events.removeListener('beforeExit', onBeforeExit);
    for (const signal of SIGNALS) events.removeListener(signal, onSignal);
  };
}

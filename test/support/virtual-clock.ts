import type { Clock } from '../../instrumentation/src/delivery/clock.ts';

interface Timer {
  readonly at: number;
  readonly delay: number;
  readonly action: () => void;
}

export interface VirtualClock extends Clock {
  /** Advances time, timer by timer; before each step, waits in real time until `isSettled` is true. */
  advance(millis: number): Promise<void>;
  /** Waits, in real time, until nothing is pending. */
  settle(): Promise<void>;
}

const LONGEST_SETTLING_MILLIS = 10_000;

/**
 * A clock that only advances when told.
 *
 * @param isSettled whether nothing is pending, given the delays of the active timers
 */
export function virtualClock(start: number, isSettled: (delays: readonly number[]) => boolean): VirtualClock {
  let now = start;
  const timers = new Set<Timer>();
  const delays = () => [...timers].map(({ delay }) => delay);
  const settle = async () => {
    const deadline = performance.now() + LONGEST_SETTLING_MILLIS;
    do {
      await new Promise(setImmediate);
      if (performance.now() > deadline) throw new Error(`Not settled; timers are set for ${delays()} ms.`);
    } while (!isSettled(delays()));
  };
  return {
    now: () => now,
    after(delay, action) {
      const timer = { at: now + delay, delay, action };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    settle,
    async advance(millis) {
      const end = now + millis;
      for (;;) {
        await settle();
        const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        timers.delete(next);
        now = Math.max(now, next.at);
        next.action();
      }
      now = end;
    },
  };
}

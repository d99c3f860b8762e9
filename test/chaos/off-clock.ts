/**
 * `node --import …/off-clock.ts`: a process with the clock offset in the file CLOCK_FILE. It applies to
 * `Date`, but not to `performance` and timers, as on a machine whose clock is set.
 */
import { clockOffset } from '../support/clock-file.ts';

const offset = clockOffset(process.env.CLOCK_FILE);
const trueNow = Date.now;
const now = (): number => trueNow() + offset();

globalThis.Date = new Proxy(Date, {
  construct: (target, args: unknown[], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new Date(now()).toString(),
  get: (target, key, receiver) => (key === 'now' ? now : Reflect.get(target, key, receiver)),
});

import type { World } from './world.ts';

const MINUTE = 60_000;
const DAY = 1440;
/** Alarms that close together are one. */
const ONE_ALARM = 60 * MINUTE;

/** What people would set up without an analyzer: a rule over the blocked decisions of a service, by minute. */
export interface Baseline {
  readonly name: string;
  /** @param blocked by minute, the last one being the present. @returns whether the rule fires */
  fires(blocked: readonly number[]): boolean;
}

const sum = (counts: readonly number[], from: number, to: number): number => {
  let total = 0;
  for (let at = Math.max(0, from); at < to; at++) total += counts[at] ?? 0;
  return total;
};

export const BASELINES: readonly Baseline[] = [
  {
    name: 'static threshold (20 blocked in 5 min)',
    fires: (blocked) => sum(blocked, blocked.length - 5, blocked.length) >= 20,
  },
  {
    name: 'three times the same 15 min of yesterday',
    fires(blocked) {
      const now = sum(blocked, blocked.length - 15, blocked.length);
      return (
        now >= 10 && now >= 3 * Math.max(1, sum(blocked, blocked.length - DAY - 15, blocked.length - DAY))
      );
    },
  },
  {
    name: 'bands (mean and 3 standard deviations of the last day)',
    fires(blocked) {
      const sums: number[] = [];
      for (let end = blocked.length - 15; end > blocked.length - DAY && end > 5; end -= 5)
        sums.push(sum(blocked, end - 5, end));
      if (sums.length < 30) return false;
      const mean = sums.reduce((all, one) => all + one, 0) / sums.length;
      const variance = sums.reduce((all, one) => all + (one - mean) ** 2, 0) / sums.length;
      return sum(blocked, blocked.length - 5, blocked.length) > mean + 3 * Math.sqrt(variance) + 5;
    },
  },
];

export interface BaselineWatch {
  observe(minute: number, blocked: number): void;
  /** Beginnings of alarms, by baseline. */
  readonly alarms: readonly (readonly number[])[];
}

export function watchBaselines(world: World): BaselineWatch {
  const blockedByMinute: number[] = [];
  const alarms = BASELINES.map((): number[] => []);
  const last = BASELINES.map(() => 0);
  return {
    alarms,
    observe(minute, blocked) {
      blockedByMinute.push(blocked);
      if (blockedByMinute.length > 2 * DAY) blockedByMinute.shift();
      // An alarm needs something blocked, or nothing of it is new.
      if (minute < world.warmUpUntil || blocked === 0) return;
      for (const [index, baseline] of BASELINES.entries()) {
        if (!baseline.fires(blockedByMinute)) continue;
        if (minute - (last[index] ?? 0) > ONE_ALARM) alarms[index]?.push(minute);
        last[index] = minute;
      }
    },
  };
}

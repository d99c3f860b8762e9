import { during, type Plan } from './plan.ts';

export const TELEMETRY_GAPS: Readonly<Record<string, Plan>> = {
  silence: {
    class: 'telemetry_gap',
    leastVolume: 1,
    isStatistical: true,
    minutes: [60, 300],
    plan(_, start, end) {
      return { apply: during(start, end, (conditions) => ({ ...conditions, volume: 0, strangers: [] })) };
    },
  },
};

import { allowing, during, MINUTE, type Plan, topOrigin, WORDS } from './plan.ts';

export const LEGITIMATE_SHIFTS: Readonly<Record<string, Plan>> = {
  launch: {
    class: 'legitimate_shift',
    leastVolume: 1,
    minutes: [120, 240],
    plan({ random, calls }, start) {
      const origin = `https://app.${random.pick(WORDS)}${random.pick(WORDS)}.com`;
      const mine = calls
        .slice(0, 3)
        .map((call) => ({ ...call, origin, browser: true, clients: 40, weight: random.between(0.05, 0.2) }));
      return {
        apply: (conditions, minute) =>
          minute < start
            ? conditions
            : {
                ...conditions,
                calls: [...conditions.calls, ...mine],
                volume: conditions.volume * 1.15,
                versions: conditions.versions.map((one) => ({
                  ...one,
                  policy: allowing(one.policy, origin),
                })),
              },
      };
    },
  },
  campaign: {
    class: 'legitimate_shift',
    leastVolume: 4,
    isStatistical: true,
    minutes: [60, 240],
    plan(setting, start, end) {
      const { random } = setting;
      const origin = topOrigin(setting);
      const factor = random.between(4, 12);
      return {
        apply: during(start, end, (conditions) => {
          const before = conditions.calls.reduce((sum, { weight }) => sum + weight, 0);
          const calls = conditions.calls.map((call) =>
            call.origin === origin ? { ...call, weight: call.weight * factor, clients: 64 } : call,
          );
          const after = calls.reduce((sum, { weight }) => sum + weight, 0);
          return { ...conditions, calls, volume: (conditions.volume * after) / before };
        }),
      };
    },
  },
  migration: {
    class: 'legitimate_shift',
    leastVolume: 1,
    minutes: [120, 300],
    plan(setting, start, end) {
      const { random } = setting;
      const old = topOrigin(setting);
      const next = `https://www.${random.pick(WORDS)}${random.pick(WORDS)}.com`;
      return {
        apply: (conditions, minute) => {
          if (minute < start) return conditions;
          const share = Math.min(0.97, (minute - start) / (end - start));
          return {
            ...conditions,
            calls: conditions.calls.flatMap((call) =>
              call.origin === old
                ? [
                    { ...call, weight: call.weight * (1 - share) },
                    { ...call, origin: next, weight: call.weight * share },
                  ]
                : [call],
            ),
            versions: conditions.versions.map((one) => ({ ...one, policy: allowing(one.policy, next) })),
          };
        },
      };
    },
  },
  growth: {
    class: 'legitimate_shift',
    leastVolume: 4,
    isStatistical: true,
    minutes: [360, 720],
    plan({ random }, start) {
      const factor = random.between(2.2, 4);
      const ramp = random.between(30, 120) * MINUTE;
      return {
        apply: (conditions, minute) =>
          minute < start
            ? conditions
            : {
                ...conditions,
                volume: conditions.volume * (1 + (factor - 1) * Math.min(1, (minute - start) / ramp)),
              },
      };
    },
  },
  holiday: {
    class: 'legitimate_shift',
    leastVolume: 8,
    isStatistical: true,
    minutes: [600, 1200],
    plan({ random }, start, end) {
      const factor = random.between(0.15, 0.4);
      return {
        apply: during(start, end, (conditions) => ({ ...conditions, volume: conditions.volume * factor })),
      };
    },
  },
  partner_leaving: {
    class: 'legitimate_shift',
    leastVolume: 2,
    isStatistical: true,
    minutes: [600, 1200],
    plan(setting, start) {
      const origin = topOrigin(setting);
      return {
        apply: (conditions, minute) => {
          if (minute < start) return conditions;
          const before = conditions.calls.reduce((sum, { weight }) => sum + weight, 0);
          const calls = conditions.calls.filter((call) => call.origin !== origin);
          const after = calls.reduce((sum, { weight }) => sum + weight, 0);
          return { ...conditions, calls, volume: (conditions.volume * after) / before };
        },
      };
    },
  },
};

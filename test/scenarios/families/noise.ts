import { added, during, MINUTE, type Plan, randomSite, stranger } from './plan.ts';

export const NOISE: Readonly<Record<string, Plan>> = {
  developers: {
    class: 'noise',
    leastVolume: 0.05,
    minutes: [120, 480],
    plan({ random }, start, end) {
      const origins = [
        'http://localhost:3000',
        'http://localhost:5173',
        'http://127.0.0.1:8080',
        'http://192.168.1.7:3000',
      ];
      return {
        apply: added(start, end, () =>
          random.chance(0.4)
            ? [
                {
                  call: stranger(random, random.pick(origins), {
                    browser: true,
                    clients: 3,
                    headers: random.chance(0.5) ? ['authorization'] : [],
                  }),
                  decisions: random.whole(1, 5),
                },
              ]
            : [],
        ),
      };
    },
  },
  extensions: {
    class: 'noise',
    leastVolume: 0.05,
    minutes: [120, 480],
    plan({ random }, start, end) {
      const ids = Array.from(
        { length: 8 },
        () =>
          `chrome-extension://${Array.from({ length: 32 }, () => random.pick([...'abcdefghijklmnop'])).join('')}`,
      );
      return {
        apply: added(start, end, () =>
          random.chance(0.5)
            ? [
                {
                  call: stranger(random, random.pick(ids), { browser: true, clients: 20 }),
                  decisions: random.whole(1, 4),
                },
              ]
            : [],
        ),
      };
    },
  },
  crawler: {
    class: 'noise',
    leastVolume: 0.05,
    minutes: [60, 240],
    plan({ random }, start, end) {
      const origin = randomSite(random);
      return {
        apply: added(start, end, () => [{ call: stranger(random, origin), decisions: random.poisson(6) }]),
      };
    },
  },
  retry_storm: {
    class: 'noise',
    leastVolume: 0.05,
    minutes: [20, 120],
    plan({ random, calls }, start, end) {
      const call = { ...random.pick(calls), clients: 1, headers: ['x-legacy-token'] };
      return { apply: added(start, end, () => [{ call, decisions: random.poisson(80) }]) };
    },
  },
  restarts: {
    class: 'noise',
    leastVolume: 0.05,
    minutes: [60, 120],
    plan({ random }, start, end) {
      const pause = random.whole(20, 40);
      return {
        apply: during(start, end, (conditions, minute) => {
          const at = ((minute - start) / MINUTE) % pause;
          if (at === 0) return { ...conditions, failing: { status: 502, share: 0.5 } };
          return at <= 2 ? { ...conditions, volume: 0 } : conditions;
        }),
      };
    },
  },
};

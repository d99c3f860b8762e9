import { added, changed, configured, type Plan, randomSite, stranger, topOrigin } from './plan.ts';

export const MISCONFIGURATIONS: Readonly<Record<string, Plan>> = {
  origin_reflection: {
    class: 'misconfiguration',
    leastVolume: 0.05,
    minutes: [360, 720],
    plan({ random, policy }, start, end) {
      const opened = configured(start, end, { ...policy, alsoAllows: () => true });
      const visited = added(start, end, () =>
        random.chance(0.02)
          ? [
              {
                call: stranger(random, randomSite(random), { browser: true, clients: 3 }),
                decisions: random.whole(1, 4),
              },
            ]
          : [],
      );
      return { apply: (conditions, minute) => visited(opened(conditions, minute), minute) };
    },
  },
  null_allowed: {
    class: 'misconfiguration',
    leastVolume: 0.05,
    minutes: [120, 400],
    plan({ random, policy }, start, end) {
      const opened = configured(start, end, { ...policy, origins: new Set([...policy.origins, 'null']) });
      const asked = added(start, end, () =>
        random.chance(0.05)
          ? [{ call: stranger(random, 'null', { browser: true, clients: 5 }), decisions: 1 }]
          : [],
      );
      return { apply: (conditions, minute) => asked(opened(conditions, minute), minute) };
    },
  },
  http_allowed: {
    class: 'misconfiguration',
    leastVolume: 0.05,
    minutes: [120, 400],
    plan(setting, start, end) {
      const { random, policy } = setting;
      const origin = topOrigin(setting).replace('https:', 'http:');
      const opened = configured(start, end, { ...policy, origins: new Set([...policy.origins, origin]) });
      const asked = added(start, end, () =>
        random.chance(0.05)
          ? [{ call: stranger(random, origin, { browser: true, clients: 5 }), decisions: 1 }]
          : [],
      );
      return { apply: (conditions, minute) => asked(opened(conditions, minute), minute) };
    },
  },
  missing_vary: {
    class: 'misconfiguration',
    leastVolume: 1,
    minutes: [120, 400],
    plan(setting, start, end) {
      return { apply: changed(setting, start, end, { ...setting.policy, vary: false }) };
    },
  },
  any_extension: {
    class: 'misconfiguration',
    leastVolume: 0.05,
    minutes: [120, 400],
    plan({ random, policy }, start, end) {
      const ids = Array.from(
        { length: 4 },
        () =>
          `chrome-extension://${Array.from({ length: 32 }, () => random.pick([...'abcdefghijklmnop'])).join('')}`,
      );
      const opened = configured(start, end, {
        ...policy,
        alsoAllows: (origin) => origin.startsWith('chrome-extension:'),
      });
      const asked = added(start, end, () =>
        random.chance(0.1)
          ? [{ call: stranger(random, random.pick(ids), { browser: true, clients: 2 }), decisions: 1 }]
          : [],
      );
      return { apply: (conditions, minute) => asked(opened(conditions, minute), minute) };
    },
  },
};

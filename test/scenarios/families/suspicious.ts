import { added, configured, HOUR, host, MINUTE, type Plan, randomSite, stranger, topOrigin } from './plan.ts';

export const SUSPICIONS: Readonly<Record<string, Plan>> = {
  probing_burst: {
    class: 'suspicious',
    leastVolume: 0.05,
    minutes: [8, 20],
    plan({ random, calls }, start, end) {
      const target = host(random.pick(calls).origin);
      const variants = [
        `https://${target}.evil${random.whole(1, 99)}.com`,
        `https://not${target}`,
        'null',
        `http://${target}`,
        `https://${target.replace('.', 'x')}`,
        ...Array.from({ length: random.whole(15, 40) }, () => randomSite(random)),
      ];
      const each = Math.ceil(variants.length / ((end - start) / MINUTE));
      return {
        apply: added(start, end, (minute) => {
          const from = ((minute - start) / MINUTE) * each;
          return variants
            .slice(from, from + each)
            .map((origin) => ({ call: stranger(random, origin), decisions: random.whole(1, 2) }));
        }),
      };
    },
  },
  slow_scan: {
    class: 'suspicious',
    leastVolume: 0.05,
    minutes: [240, 400],
    plan({ random }, start, end) {
      const pause = random.whole(5, 9) * MINUTE;
      return {
        apply: added(start, end, (minute) =>
          (minute - start) % pause === 0
            ? [{ call: stranger(random, randomSite(random)), decisions: random.whole(1, 2) }]
            : [],
        ),
      };
    },
  },
  lookalike: {
    class: 'suspicious',
    leastVolume: 0.05,
    minutes: [20, 90],
    plan(setting, start, end) {
      const { random } = setting;
      const name = host(topOrigin(setting));
      const [sub = '', label = '', suffix = ''] = name.split('.');
      const origin = random.pick([
        `https://${sub}.${label.replace(/o/, '0').replace(/l/, '1')}${label.match(/[ol]/) ? '' : 's'}.${suffix}`,
        `https://${sub}.${label}-login.${suffix}`,
        `https://${name}.attacker${random.whole(1, 99)}.io`,
        `https://${sub}.${label}.${suffix === 'com' ? 'co' : 'com'}`,
        `https://${sub}.${label}s.${suffix}`,
      ]);
      return {
        apply: added(start, end, () =>
          random.chance(0.3)
            ? [{ call: stranger(random, origin, { browser: random.chance(0.5) }), decisions: 1 }]
            : [],
        ),
        subjects: [],
      };
    },
  },
  null_burst: {
    class: 'suspicious',
    leastVolume: 0.05,
    minutes: [10, 40],
    plan({ random }, start, end) {
      const rate = random.between(5, 30);
      return {
        apply: added(start, end, () => [
          { call: stranger(random, 'null', { clients: 2 }), decisions: random.poisson(rate) },
        ]),
      };
    },
  },
  reflection_used: {
    class: 'suspicious',
    leastVolume: 0.05,
    minutes: [40, 120],
    plan({ random, policy }, start, end) {
      const open = { ...policy, alsoAllows: () => true };
      const probes = Array.from({ length: random.whole(8, 14) }, () => randomSite(random));
      const used = probes[0] ?? randomSite(random);
      const opened = configured(start - 2 * HOUR, end, open);
      const probed = added(start, end, (minute) => {
        const at = (minute - start) / MINUTE;
        const probe = probes[at];
        if (probe !== undefined) return [{ call: stranger(random, probe), decisions: 1 }];
        return at > probes.length + 5
          ? [
              {
                call: stranger(random, used, { browser: true, credentials: true, clients: 10 }),
                decisions: random.poisson(2),
              },
            ]
          : [];
      });
      return { apply: (conditions, minute) => probed(opened(conditions, minute), minute) };
    },
  },
  subdomain_sweep: {
    class: 'suspicious',
    leastVolume: 0.05,
    minutes: [8, 20],
    plan(setting, start, end) {
      const { random } = setting;
      const site = host(topOrigin(setting)).split('.').slice(-2).join('.');
      const names = [
        'dev',
        'test',
        'stage',
        'admin',
        'old',
        'beta',
        'vpn',
        'mail',
        'cdn',
        'static',
        'internal',
        'qa',
        'uat',
        'demo',
        'blog',
        'ftp',
        'git',
        'jira',
      ];
      return {
        apply: added(start, end, (minute) => {
          const at = Math.floor(((minute - start) / (end - start)) * names.length);
          return [
            {
              call: stranger(random, `https://${names[at] ?? 'x'}${random.whole(1, 3)}.${site}`),
              decisions: 1,
            },
          ];
        }),
      };
    },
  },
};

import type { IncidentClass, Subject } from '../../analyzer/incidents/incident.ts';
import { type CallTemplate, needsPreflight, type Policy } from './policy.ts';
import type { Random } from './random.ts';
import type { Conditions, ServiceModel } from './traffic.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export interface Setting {
  readonly model: ServiceModel;
  readonly policy: Policy;
  readonly calls: readonly CallTemplate[];
  readonly random: Random;
}

/** What happens to a service for a while, and what it is. */
export interface Episode {
  readonly family: string;
  readonly class: IncidentClass | 'noise';
  readonly start: number;
  readonly end: number;
  /** What a breakage has to name first; empty where nothing is wanted. */
  readonly subjects: readonly Subject[];
  /** Found by counting, not by proof. */
  readonly isStatistical: boolean;
  /** The conditions of a minute of it, or after it. */
  apply(conditions: Conditions, minute: number): Conditions;
}

interface Plan {
  readonly class: IncidentClass | 'noise';
  /** Decisions a minute below which it cannot show. */
  readonly leastVolume: number;
  readonly isStatistical?: true;
  readonly minutes: readonly [least: number, most: number];
  plan(setting: Setting, start: number, end: number): Pick<Episode, 'apply'> & { subjects?: Subject[] };
}

const during =
  (
    start: number,
    end: number,
    change: (conditions: Conditions, minute: number) => Conditions,
  ): Episode['apply'] =>
  (conditions, minute) =>
    minute >= start && minute < end ? change(conditions, minute) : conditions;

/** A deployment, rolled back at the end: for ten minutes both versions run. */
function deployed(start: number, end: number, policy: Policy, random: Random): Episode['apply'] {
  const version = `2.${random.whole(0, 40)}.${random.whole(1, 9)}`;
  const rollOut = random.chance(0.5) ? 10 * MINUTE : MINUTE;
  return during(start, end, (conditions, minute) => {
    const share = Math.min(1, (minute - start + MINUTE) / rollOut);
    const [running] = conditions.versions;
    if (running === undefined) return conditions;
    return {
      ...conditions,
      versions: [
        { ...running, share: 1 - share },
        { version, share, policy },
      ].filter((one) => one.share > 0),
    };
  });
}

/** A change of configuration: the version stays. */
const configured = (start: number, end: number, policy: Policy): Episode['apply'] =>
  during(start, end, (conditions) => ({
    ...conditions,
    versions: conditions.versions.map((one) => ({ ...one, policy })),
  }));

function changed(setting: Setting, start: number, end: number, policy: Policy): Episode['apply'] {
  return setting.random.chance(0.6)
    ? deployed(start, end, policy, setting.random)
    : configured(start, end, policy);
}

const added = (
  start: number,
  end: number,
  each: (minute: number) => Conditions['strangers'],
): Episode['apply'] =>
  during(start, end, (conditions, minute) => ({
    ...conditions,
    strangers: [...conditions.strangers, ...each(minute)],
  }));

function topOrigin({ calls, random }: Setting): string {
  const weights = new Map<string, number>();
  for (const { origin, weight } of calls) weights.set(origin, (weights.get(origin) ?? 0) + weight);
  const order = [...weights].sort(([, a], [, b]) => b - a).map(([origin]) => origin);
  return order[random.whole(0, Math.min(1, order.length - 1))] ?? '';
}

function mostUsed(values: readonly (readonly [value: string, weight: number])[]): string {
  const weights = new Map<string, number>();
  for (const [value, weight] of values) weights.set(value, (weights.get(value) ?? 0) + weight);
  return [...weights].sort(([, a], [, b]) => b - a)[0]?.[0] ?? '';
}

export function stranger(random: Random, origin: string, given: Partial<CallTemplate> = {}): CallTemplate {
  return {
    origin,
    route: random.pick(['/', '/v1/items', '/v1/cart']),
    method: 'GET',
    headers: [],
    credentials: false,
    browser: false,
    weight: 0,
    clients: 1,
    ...given,
  };
}

const WORDS = [
  'lumen',
  'harbor',
  'quartz',
  'maple',
  'orbit',
  'fable',
  'cinder',
  'willow',
  'ember',
  'tundra',
  'sable',
  'onyx',
];
export function randomSite(random: Random): string {
  return `https://${random.pick(WORDS)}${random.pick(WORDS)}${random.whole(1, 9999)}.${random.pick(['com', 'net', 'org', 'io', 'dev'])}`;
}

const without = (policy: Policy, origin: string): Policy => ({
  ...policy,
  origins: new Set([...policy.origins].filter((other) => other !== origin)),
});

const widened = new WeakMap<Policy, Map<string, Policy>>();

/** The same policy for the same origin, each time. */
function allowing(policy: Policy, origin: string): Policy {
  const known = widened.get(policy) ?? new Map<string, Policy>();
  widened.set(policy, known);
  const made = known.get(origin) ?? { ...policy, origins: new Set([...policy.origins, origin]) };
  known.set(origin, made);
  return made;
}

/** What changes for good, and so comes last in a world. */
export const LASTING: readonly string[] = ['partner_leaving', 'growth', 'launch', 'migration'];

const host = (origin: string): string => origin.replace(/^https?:\/\//, '');

function droppedHeader(setting: Setting): string {
  return mostUsed(
    setting.calls.flatMap(({ headers, weight }) => headers.map((name) => [name, weight] as const)),
  );
}

export const FAMILIES: Readonly<Record<string, Plan>> = {
  allowlist_entry_lost: {
    class: 'breakage',
    leastVolume: 0.05,
    minutes: [30, 240],
    plan(setting, start, end) {
      const origin = topOrigin(setting);
      return {
        apply: changed(setting, start, end, without(setting.policy, origin)),
        subjects: [{ kind: 'origin', value: origin }],
      };
    },
  },
  trailing_slash: {
    class: 'breakage',
    leastVolume: 0.05,
    minutes: [30, 240],
    plan(setting, start, end) {
      const origin = topOrigin(setting);
      const policy = { ...setting.policy, writtenAs: new Map([[origin, `${origin}/`]]) };
      return { apply: changed(setting, start, end, policy), subjects: [{ kind: 'origin', value: origin }] };
    },
  },
  header_dropped: {
    class: 'breakage',
    leastVolume: 0.05,
    minutes: [30, 240],
    plan(setting, start, end) {
      const dropped = droppedHeader(setting);
      const policy = {
        ...setting.policy,
        headers: setting.policy.headers.filter((name) => name !== dropped),
      };
      return { apply: changed(setting, start, end, policy), subjects: [{ kind: 'header', value: dropped }] };
    },
  },
  method_dropped: {
    class: 'breakage',
    leastVolume: 0.05,
    minutes: [30, 240],
    plan(setting, start, end) {
      const { calls, policy } = setting;
      const dropped = mostUsed(
        calls
          .filter(({ method }) => !['GET', 'POST', 'HEAD'].includes(method))
          .map(({ method, weight }) => [method, weight] as const),
      );
      const changedPolicy = { ...policy, methods: policy.methods.filter((name) => name !== dropped) };
      return {
        apply: changed(setting, start, end, changedPolicy),
        subjects: [{ kind: 'method', value: dropped }],
      };
    },
  },
  new_tracing_header: {
    class: 'breakage',
    leastVolume: 0.05,
    minutes: [60, 300],
    plan(setting, start, end) {
      const { random } = setting;
      const header = random.pick(['traceparent', 'baggage', 'mcp-protocol-version', 'x-datadog-trace-id']);
      const origin = random.chance(0.5) ? topOrigin(setting) : undefined;
      const traced = (call: CallTemplate): CallTemplate =>
        (origin === undefined || call.origin === origin) && call.browser
          ? { ...call, headers: [...call.headers, header] }
          : call;
      const calls = setting.calls.map(traced);
      return {
        apply: during(start, end, (conditions) => ({ ...conditions, calls })),
        subjects: [{ kind: 'header', value: header }],
      };
    },
  },
  authentication_before_cors: {
    class: 'breakage',
    leastVolume: 0.05,
    minutes: [30, 180],
    plan(setting, start, end) {
      const policy = {
        ...setting.policy,
        preflightStatus: { status: setting.random.pick([401, 403]), routes: [] },
      };
      return { apply: changed(setting, start, end, policy) };
    },
  },
  redirecting_gateway: {
    class: 'breakage',
    leastVolume: 0.05,
    minutes: [30, 180],
    plan(setting, start, end) {
      const route = mostUsed(
        setting.calls.filter(needsPreflight).map(({ route, weight }) => [route, weight] as const),
      );
      const policy = {
        ...setting.policy,
        preflightStatus: { status: 302, routes: [route], location: 'https://login.corp-sso.com/' },
      };
      return { apply: changed(setting, start, end, policy), subjects: [{ kind: 'route', value: route }] };
    },
  },
  upstream_errors: {
    class: 'breakage',
    leastVolume: 4,
    isStatistical: true,
    minutes: [20, 120],
    plan({ calls, random }, start, end) {
      const route = mostUsed(calls.map(({ route, weight }) => [route, weight] as const));
      const failing = {
        status: random.pick([500, 502, 503, 504, 429]),
        share: random.between(0.25, 0.95),
        route,
      };
      return {
        apply: during(start, end, (conditions) => ({ ...conditions, failing })),
        subjects: [{ kind: 'route', value: route }],
      };
    },
  },
  partial_roll_out: {
    class: 'breakage',
    leastVolume: 1,
    minutes: [40, 180],
    plan(setting, start, end) {
      const { random } = setting;
      const dropped = droppedHeader(setting);
      const policy = random.chance(0.5)
        ? { ...setting.policy, headers: setting.policy.headers.filter((name) => name !== dropped) }
        : without(setting.policy, topOrigin(setting));
      const version = `3.${random.whole(0, 20)}.0`;
      const share = random.between(0.1, 0.5);
      const apply = during(start, end, (conditions) => {
        const [running] = conditions.versions;
        if (running === undefined) return conditions;
        return {
          ...conditions,
          versions: [
            { ...running, share: 1 - share },
            { version, share, policy },
          ],
        };
      });
      return { apply, subjects: [{ kind: 'version', value: version }] };
    },
  },
  credentials_flag_lost: {
    class: 'breakage',
    leastVolume: 0.05,
    minutes: [30, 240],
    plan(setting, start, end) {
      return {
        apply: changed(setting, start, end, { ...setting.policy, credentials: false }),
        subjects: [
          { kind: 'reason', value: 'acac_not_true' },
          { kind: 'reason', value: 'credentials_mode_unknown' },
          { kind: 'header', value: 'access-control-allow-credentials' },
        ],
      };
    },
  },
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
  silence: {
    class: 'telemetry_gap',
    leastVolume: 1,
    isStatistical: true,
    minutes: [60, 300],
    plan(_, start, end) {
      return { apply: during(start, end, (conditions) => ({ ...conditions, volume: 0, strangers: [] })) };
    },
  },
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

export function planEpisode(family: string, setting: Setting, start: number): Episode {
  const found = FAMILIES[family];
  if (found === undefined) throw new Error(`No family ${family}`);
  const [least, most] = found.minutes;
  // Of little traffic it takes longer until there is anything to see.
  const patience = Math.max(1, Math.min(8, 0.6 / setting.model.volume));
  const isOwn = found.class === 'breakage';
  const end = start + Math.round(setting.random.between(least, most) * (isOwn ? patience : 1)) * MINUTE;
  const { apply, subjects = [] } = found.plan(setting, start, end);
  return {
    family,
    class: found.class,
    start,
    end,
    subjects,
    isStatistical: found.isStatistical === true,
    apply,
  };
}

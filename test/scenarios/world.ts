import type { UsageRow } from '../../analyzer/input/usage-row.ts';
import {
  type Episode,
  FAMILIES,
  LASTING,
  planEpisode,
  randomSite,
  type Setting,
  stranger,
} from './episodes.ts';
import type { CallTemplate, Policy } from './policy.ts';
import { createRandom, type Random } from './random.ts';
import { type Conditions, rowsOf, type ServiceModel } from './traffic.ts';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

/** One simulated service over days, with what happened to it. */
export interface World {
  readonly seed: string;
  readonly model: ServiceModel;
  readonly startedAt: number;
  /** From here on incidents count. */
  readonly warmUpUntil: number;
  readonly endsAt: number;
  readonly episodes: readonly Episode[];
  /** Rows of each minute, in order. */
  minutes(): Iterable<{ readonly minute: number; readonly rows: UsageRow[] }>;
}

export interface WorldOptions {
  readonly seed: string;
  readonly families: readonly string[];
  readonly warmUpDays?: number;
  readonly quietDays?: number;
  /** Decisions a minute. */
  readonly volume?: number;
  /** Epoch milliseconds of a midnight; by the seed, else. */
  readonly startedAt?: number;
}

/** Between the ends and beginnings of episodes. */
const PAUSE = 1.2 * DAY;

export function createWorld(options: WorldOptions): World {
  const { seed, families, warmUpDays = 8, quietDays = 0.5 } = options;
  const random = createRandom(seed);
  const day = Date.UTC(2026, 2, 2) + random.whole(0, 200) * DAY;
  const { startedAt = day } = options;
  const warmUpUntil = startedAt + warmUpDays * DAY;
  const least = Math.max(0.05, ...families.map((family) => FAMILIES[family]?.leastVolume ?? 0));
  const volume =
    options.volume ?? random.logBetween(least, random.chance(0.1) ? 5_000 : Math.max(2 * least, 150));
  const model: ServiceModel = {
    service: `api-${seed}`,
    environment: 'production',
    volume,
    dispersion: random.between(1, 5),
    dailySwing: random.between(0.1, 0.7),
    weekend: random.between(0.4, 1.1),
    peak: random.next(),
    growth: 1 + random.between(-0.01, 0.02),
    startedAt,
    clockChangeAt: random.chance(0.15) ? warmUpUntil + random.between(0, 3) * DAY : undefined,
  };
  const policy = makePolicy(random);
  const calls = makeCalls(random, policy);
  const episodes: Episode[] = [];
  let at = warmUpUntil + random.between(0.1, 0.6) * DAY;
  const last = (family: string): number => LASTING.indexOf(family);
  for (const family of families.toSorted((a, b) => last(a) - last(b))) {
    const setting: Setting = { model, policy, calls, random: random.fork(family) };
    const episode = planEpisode(family, setting, Math.floor(at / MINUTE) * MINUTE);
    episodes.push(episode);
    at = episode.end + PAUSE + random.between(0, 0.3) * DAY;
  }
  const endsAt = Math.max(warmUpUntil + quietDays * DAY, (episodes.at(-1)?.end ?? 0) + 0.3 * DAY);
  return {
    seed,
    model,
    startedAt,
    warmUpUntil,
    endsAt,
    episodes,
    *minutes() {
      const drawn = random.fork('minutes');
      const noise = makeNoise(random.fork('noise'), calls);
      const versions = makeVersions(random.fork('versions'), policy, startedAt, endsAt);
      for (let minute = startedAt; minute < endsAt; minute += MINUTE) {
        let conditions: Conditions = {
          versions: versions(minute),
          calls,
          volume: 1,
          strangers: [],
          failing: noise.failing,
          ...noise.restart(minute),
        };
        conditions = { ...conditions, strangers: noise.strangers() };
        for (const episode of episodes) conditions = episode.apply(conditions, minute);
        yield { minute, rows: rowsOf(model, minute, conditions, drawn) };
      }
    },
  };
}

const NAMES = [
  'shop',
  'portal',
  'partner',
  'clinic',
  'metro',
  'garden',
  'studio',
  'ledger',
  'voyage',
  'atlas',
];

function makePolicy(random: Random): Policy {
  const origins = new Set<string>();
  const site = `${random.pick(NAMES)}${random.pick(NAMES)}`;
  const count = random.whole(3, 7);
  while (origins.size < count) {
    const own = random.chance(0.6);
    origins.add(
      own
        ? `https://${random.pick(['www', 'app', 'm', 'admin', 'checkout', 'help', 'my', 'go'])}.${site}.com`
        : `https://www.${random.pick(NAMES)}${random.pick(NAMES)}.${random.pick(['com', 'org', 'io'])}`,
    );
  }
  return {
    origins,
    headers: [
      'content-type',
      'authorization',
      'x-request-id',
      ...(random.chance(0.5) ? ['x-api-version'] : []),
    ],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH'],
    credentials: true,
    vary: true,
  };
}

const ROUTES = ['/v1/items', '/v1/items/:id', '/v1/cart', '/v1/orders', '/v1/profile', '/v1/search'];

function makeCalls(random: Random, policy: Policy): CallTemplate[] {
  const calls: CallTemplate[] = [];
  let weight = 1;
  for (const origin of policy.origins) {
    const clients = random.whole(8, 60);
    for (let call = 0; call < random.whole(3, 5); call++) {
      const method =
        call === 0 ? 'GET' : call === 1 ? 'PUT' : random.pick(['GET', 'POST', 'PUT', 'DELETE', 'PATCH']);
      const headers =
        method === 'GET'
          ? random.pick([[], ['authorization']])
          : random.pick([
              ['content-type'],
              ['authorization', 'content-type'],
              ['content-type', 'x-request-id'],
            ]);
      calls.push({
        origin,
        route: random.pick(ROUTES),
        method,
        headers,
        credentials: random.chance(0.6),
        browser: true,
        clients,
        weight: weight * random.between(0.3, 1),
      });
    }
    weight *= random.between(0.4, 0.9);
  }
  return calls;
}

/** What every service has always: strangers now and then, developers, a few errors, restarts, an old page. */
function makeNoise(random: Random, calls: readonly CallTemplate[]) {
  const strangersPerDay = random.logBetween(0.1, 8);
  const developersPerDay = random.between(0, 30);
  const failing = { status: random.pick([500, 502, 503]), share: random.between(0, 0.004) };
  const oldPage = random.chance(0.3)
    ? { ...random.pick(calls), headers: ['x-legacy-token'], clients: 6 }
    : undefined;
  const oldPagePerDay = random.logBetween(1, 100);
  const restartsPerDay = random.between(0, 0.7);
  let restartingUntil = 0;
  return {
    failing,
    strangers(): Conditions['strangers'] {
      const made: { call: CallTemplate; decisions: number }[] = [];
      if (random.chance(strangersPerDay / 1440)) {
        made.push({
          call: stranger(random, random.chance(0.1) ? 'null' : randomSite(random), {
            browser: random.chance(0.5),
          }),
          decisions: random.whole(1, 5),
        });
      }
      if (random.chance(developersPerDay / 1440)) {
        made.push({
          call: stranger(random, `http://localhost:${random.pick([3000, 4200, 5173])}`, { browser: true }),
          decisions: random.whole(1, 4),
        });
      }
      if (oldPage !== undefined && random.chance(oldPagePerDay / 1440))
        made.push({ call: oldPage, decisions: random.whole(1, 3) });
      return made;
    },
    restart(minute: number): Partial<Conditions> {
      if (minute < restartingUntil)
        return random.chance(0.5) ? { volume: 0 } : { failing: { status: 502, share: 0.6 } };
      if (random.chance(restartsPerDay / 1440)) restartingUntil = minute + random.whole(1, 2) * MINUTE;
      return {};
    },
  };
}

/** Deployments that change nothing of the policy. */
function makeVersions(
  random: Random,
  policy: Policy,
  from: number,
  to: number,
): (minute: number) => Conditions['versions'] {
  const deployments: number[] = [];
  for (let at = from + random.between(0.5, 3) * DAY; at < to; at += random.between(0.8, 4) * DAY)
    deployments.push(at);
  return (minute) => {
    const count = deployments.filter((at) => at <= minute).length;
    const since = minute - (deployments[count - 1] ?? 0);
    const share = count === 0 ? 1 : Math.min(1, since / (10 * MINUTE));
    const versions = [{ version: `1.${count}.0`, share, policy }];
    if (share < 1) versions.push({ version: `1.${count - 1}.0`, share: 1 - share, policy });
    return versions;
  };
}

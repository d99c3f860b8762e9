import { INCIDENT_CLASSES, type IncidentClass } from '../../analyzer/incidents/incident.ts';
import { BASELINES } from './baselines.ts';
import { delayOf, type Outcome } from './evaluate.ts';

/** What a run of scenarios comes to; the gates of the benchmark are about these numbers. */
export interface Score {
  readonly episodes: number;
  readonly recall: number;
  readonly precision: number;
  readonly macroF1: number;
  readonly breakageCalledLegitimate: number;
  /** Share of the breakages with a subject to name of which it is named. */
  readonly named: number;
  /** Of breakages that are proven: from the start, and from the first minute in which it blocked a call. */
  readonly flipSeconds: Quantiles;
  readonly flipSecondsSinceBlocked: Quantiles;
  readonly statisticalSeconds: Quantiles;
  readonly incidentsPerEpisode: { readonly mean: number; readonly most: number };
  readonly quiet: { readonly days: number; readonly pages: number; readonly tickets: number };
  readonly families: ReadonlyMap<string, FamilyScore>;
  readonly baselines: readonly {
    readonly name: string;
    readonly recall: number;
    readonly falseAlarmsPerDay: number;
  }[];
}

export interface FamilyScore {
  readonly episodes: number;
  readonly right: number;
  /** From the start. */
  readonly seconds: Quantiles;
}

export interface Quantiles {
  readonly p50: number;
  readonly p90: number;
  readonly count: number;
}

export function scoreOf(outcomes: readonly Outcome[]): Score {
  const episodes = outcomes.flatMap(({ episodes }) => episodes);
  const real = episodes.filter(({ episode }) => episode.class !== 'noise');
  const found = real.filter(({ incidents }) => incidents.length > 0);
  const all = outcomes.reduce((sum, { incidents }) => sum + incidents.length, 0);
  const matched = found.reduce((sum, { incidents }) => sum + incidents.length, 0);
  const quietDays = outcomes.reduce((sum, { quietDays }) => sum + quietDays, 0);
  const stray = outcomes.flatMap(({ stray }) => stray);
  const nameable = real.filter(({ episode }) => episode.subjects.length > 0);
  const named = nameable.filter(({ episode, incidents: [first] }) =>
    episode.subjects.some(({ kind, value }) => first?.subject.kind === kind && first.subject.value === value),
  );
  const delays = (isStatistical: boolean): number[] =>
    real
      .filter(
        ({ episode }) =>
          episode.isStatistical === isStatistical && (isStatistical || episode.class === 'breakage'),
      )
      .map(({ episode, incidents: [first] }) =>
        first === undefined ? Number.POSITIVE_INFINITY : delayOf(episode, first) / 1000,
      );
  const families = new Map<string, { episodes: number; right: number; delays: number[] }>();
  for (const { episode, incidents } of episodes) {
    const counts = families.get(episode.family) ?? { episodes: 0, right: 0, delays: [] };
    counts.episodes++;
    const [first] = incidents;
    counts.delays.push(first === undefined ? Number.POSITIVE_INFINITY : delayOf(episode, first) / 1000);
    if (episode.class === 'noise' ? first === undefined : first?.class === episode.class) counts.right++;
    families.set(episode.family, counts);
  }
  return {
    episodes: episodes.length,
    recall: share(found.length, real.length),
    precision: share(matched, all),
    macroF1: macroF1(
      episodes.map(({ episode, incidents }) => [episode.class, incidents[0]?.class ?? 'noise'] as const),
    ),
    breakageCalledLegitimate: real.filter(
      ({ episode, incidents }) =>
        episode.class === 'breakage' && incidents.some((one) => one.class === 'legitimate_shift'),
    ).length,
    named: share(named.length, nameable.length),
    flipSeconds: quantiles(delays(false)),
    flipSecondsSinceBlocked: quantiles(
      real
        .filter(({ episode }) => !episode.isStatistical && episode.class === 'breakage')
        .map(({ episode, incidents: [first], firstBlockedAt = episode.start }) =>
          first === undefined
            ? Number.POSITIVE_INFINITY
            : delayOf(episode, first, Math.min(firstBlockedAt, first.detectedAt)) / 1000,
        ),
    ),
    statisticalSeconds: quantiles(delays(true)),
    incidentsPerEpisode: {
      mean: share(matched, found.length),
      most: Math.max(0, ...real.map(({ incidents }) => incidents.length)),
    },
    quiet: {
      days: quietDays,
      pages: stray.filter(({ page }) => page).length,
      tickets: stray.filter(({ page }) => !page).length,
    },
    families: new Map(
      [...families].map(([name, { delays, ...counts }]) => [name, { ...counts, seconds: quantiles(delays) }]),
    ),
    baselines: BASELINES.map(({ name }, index) => baselineScore(outcomes, name, index)),
  };
}

function baselineScore(
  outcomes: readonly Outcome[],
  name: string,
  index: number,
): Score['baselines'][number] {
  let episodes = 0;
  let found = 0;
  let falseAlarms = 0;
  let days = 0;
  for (const outcome of outcomes) {
    const alarms = outcome.baselines.alarms[index] ?? [];
    const inEpisode = (at: number): boolean =>
      outcome.episodes.some(({ episode }) => at >= episode.start && at < episode.end + 1_800_000);
    falseAlarms += alarms.filter((at) => !inEpisode(at)).length;
    days += outcome.quietDays;
    for (const { episode } of outcome.episodes) {
      if (episode.class !== 'breakage') continue;
      episodes++;
      if (alarms.some((at) => at >= episode.start && at < episode.end)) found++;
    }
  }
  return { name, recall: share(found, episodes), falseAlarmsPerDay: share(falseAlarms, days) };
}

/** Over the classes that occur; an episode that was not found is called noise. */
function macroF1(pairs: readonly (readonly [truth: string, said: string])[]): number {
  const classes: (IncidentClass | 'noise')[] = [...INCIDENT_CLASSES].filter(
    (name) => name !== 'unclassified',
  );
  const present = classes.filter((name) => pairs.some(([truth]) => truth === name));
  const scores = present.map((name) => {
    const right = pairs.filter(([truth, said]) => truth === name && said === name).length;
    const wrong = pairs.filter(([truth, said]) => (truth === name) !== (said === name)).length;
    return (2 * right) / Math.max(1, 2 * right + wrong);
  });
  return share(
    scores.reduce((sum, score) => sum + score, 0),
    present.length,
  );
}

function share(part: number, whole: number): number {
  return whole === 0 ? Number.NaN : part / whole;
}

/** Infinite where what was to be measured never came. */
function quantiles(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (q: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
  return { p50: at(0.5), p90: at(0.9), count: sorted.length };
}

/** The exact interval of a Poisson rate at 95 %, from its count. */
export function poissonInterval(count: number): [least: number, most: number] {
  const cumulative = (mean: number, upTo: number): number => {
    let term = Math.exp(-mean);
    let total = term;
    for (let k = 1; k <= upTo; k++) {
      term *= mean / k;
      total += term;
    }
    return total;
  };
  const solve = (isBelow: (mean: number) => boolean): number => {
    let low = 0;
    let high = 10 * count + 20;
    for (let step = 0; step < 80; step++) {
      const middle = (low + high) / 2;
      if (isBelow(middle)) low = middle;
      else high = middle;
    }
    return low;
  };
  const least = count === 0 ? 0 : solve((mean) => 1 - cumulative(mean, count - 1) < 0.025);
  return [least, solve((mean) => cumulative(mean, count) > 0.025)];
}

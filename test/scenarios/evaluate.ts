import { type Analysis, createAnalysis } from '../../analyzer/incident-analysis.ts';
import type { Incident } from '../../analyzer/incidents/incident.ts';
import type { UsageRow } from '../../analyzer/input/usage-row.ts';
import { type BaselineWatch, watchBaselines } from './baselines.ts';
import type { Episode } from './episodes.ts';
import type { World } from './world.ts';

const MINUTE = 60_000;
const SETTLING_MILLIS = 25_000;
/** An incident that begins so long after an episode's end is still its consequence. */
const AFTER = 30 * MINUTE;

export interface EpisodeOutcome {
  readonly episode: Episode;
  readonly incidents: readonly Incident[];
  /** Start of the first minute with a decision that the breakage blocked; undefined where there was none. */
  readonly firstBlockedAt: number | undefined;
}

export interface Outcome {
  readonly world: World;
  readonly incidents: readonly Incident[];
  /** Each episode with the incidents raised in it, the first one first. */
  readonly episodes: readonly EpisodeOutcome[];
  /** Incidents that belong to no episode. */
  readonly stray: readonly Incident[];
  /** Days outside of episodes. */
  readonly quietDays: number;
  readonly baselines: BaselineWatch;
  readonly ticks: number;
  readonly rows: number;
}

/** Runs the analyzer over a world and compares what it raised with what happened. */
export function evaluate(world: World, analysis: Analysis = createAnalysis()): Outcome {
  const incidents = new Map<string, Incident>();
  let ticks = 0;
  let rows = 0;
  const baselines = watchBaselines(world);
  const affected = watchAffected(world.episodes);
  for (const minute of world.minutes()) {
    ticks++;
    rows += minute.rows.length;
    let blocked = 0;
    for (const row of minute.rows) if (row.verdict === 'blocked') blocked += row.decisions;
    baselines.observe(minute.minute, blocked);
    affected.observe(minute.minute, minute.rows);
    for (const incident of analysis.tick(minute)) incidents.set(incident.id, incident);
  }
  const counted = [...incidents.values()].filter(({ detectedAt }) => detectedAt >= world.warmUpUntil);
  const used = new Set<Incident>();
  const episodes = world.episodes.map((episode) => {
    const own = counted
      .filter(
        ({ detectedAt, startedAt }) =>
          detectedAt > episode.start && (startedAt < episode.end || detectedAt <= episode.end + AFTER),
      )
      .filter((incident) => !used.has(incident));
    for (const incident of own) used.add(incident);
    return {
      episode,
      incidents: own.sort((a, b) => a.detectedAt - b.detectedAt),
      firstBlockedAt: affected.firstBlockedAt.get(episode),
    };
  });
  const busy = world.episodes.reduce((sum, { start, end }) => sum + end - start, 0);
  return {
    world,
    incidents: counted,
    episodes,
    stray: counted.filter((incident) => !used.has(incident)),
    quietDays: (world.endsAt - world.warmUpUntil - busy) / (1440 * MINUTE),
    baselines,
    ticks,
    rows,
  };
}

/** Finds when a breakage first blocked an origin's call in a way in which it was not blocked before the episode. */
function watchAffected(episodes: readonly Episode[]) {
  const firstBlockedAt = new Map<Episode, number>();
  const allowed = new Set<string>();
  const blockedBefore = new Set<string>();
  return {
    firstBlockedAt,
    observe(minute: number, rows: readonly UsageRow[]): void {
      const present = episodes.find(({ start, end }) => minute >= start && minute < end);
      for (const row of rows) {
        if (row.verdict === 'allowed') {
          allowed.add(row.origin);
          continue;
        }
        const key = [row.origin, row.kind, row.method, row.route, row.requestedHeaders, row.reason].join(
          '\n',
        );
        if (present === undefined) blockedBefore.add(key);
        else if (present.class === 'breakage' && allowed.has(row.origin) && !blockedBefore.has(key)) {
          if (!firstBlockedAt.has(present)) firstBlockedAt.set(present, minute);
        }
      }
    },
  };
}

/** From the start of an episode until people could know, in milliseconds; settling included. */
export function delayOf(episode: Episode, incident: Incident, since = episode.start): number {
  return incident.detectedAt + SETTLING_MILLIS - since;
}

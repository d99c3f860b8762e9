import type { Logger } from 'pino';
import type { ClickHouse } from '../clickhouse/connection.ts';
import { createOutageLog } from '../core/outage-log.ts';
import { repeat } from '../core/repeat.ts';
import { CONFIGURATION, type Configuration } from './configuration.ts';
import { digestAt, firstRunDigest } from './incidents/first-run-digest.ts';
import type { Incident } from './incidents/incident.ts';
import { readAnalyzedUntil, saveAnalyzedUntil, saveIncidents } from './incidents/incident-store.ts';
import { createReplay, type Replay } from './replay.ts';

const MINUTE = 60_000;
const CHECK_MILLIS = 1_000;
const CHECKPOINT_MILLIS = 60 * MINUTE;
/** Minutes that were missed for longer are analyzed, but incidents that began and ended in them send no alerts. */
const CAUGHT_UP_MILLIS = 24 * 60 * MINUTE;

export interface AnalyzerOptions {
  readonly clickhouse: Pick<ClickHouse, 'reading' | 'writing'>;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly configuration?: Configuration;
  /**
   * After each analyzed minute: the incidents that are open, or were resolved in it.
   *
   * @param at end of the minute, epoch milliseconds
   */
  readonly onMinute?: (incidents: readonly Incident[], at: number) => void | Promise<void>;
  /** Between looks at the clock; default one second. */
  readonly checkMillis?: number;
}

/** For metrics. */
export interface AnalyzerCounters {
  ticks: number;
  failures: number;
  /** Epoch milliseconds; 0 before the first. */
  analyzedUntil: number;
  scopes: number;
  origins: number;
  calls: number;
  openIncidents: number;
  /** Of the last tick. */
  tickMillis: number;
}

export interface RunningAnalyzer {
  readonly counters: Readonly<AnalyzerCounters>;
  /** Settles when all minutes that had settled at the call are analyzed, or could not be. */
  caughtUp(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Analyzes each minute when it has settled, and stores what it finds. A start reads the warm-up first; minutes that were
 * analyzed before keep their stored results. After a ClickHouse outage, missed minutes are analyzed late.
 */
export function startAnalyzer(options: AnalyzerOptions): RunningAnalyzer {
  const { log, now, configuration = CONFIGURATION, checkMillis = CHECK_MILLIS } = options;
  const counters = noAnalyzerCounters();
  const leaving = new AbortController();
  const catchUp = createCatchUp(options, counters, leaving.signal);
  const outage = createOutageLog({
    messages: {
      failing: 'minutes cannot be analyzed; retrying',
      recovered: 'minutes are analyzed again',
    },
    log,
    now,
  });
  let working = Promise.resolve(true);

  /** End of the last minute that has settled. */
  const settled = (): number => Math.floor((now() - configuration.settlingMillis) / MINUTE) * MINUTE;

  /** @returns whether it succeeded */
  const attempt = (): Promise<boolean> => {
    working = working.then(async () => {
      try {
        await catchUp(settled());
        // One that was told to stop has shown nothing.
        if (!leaving.signal.aborted) outage.succeeded();
        return true;
      } catch (error) {
        counters.failures++;
        outage.failed(error);
        return false;
      }
    });
    return working;
  };

  let done = 0;
  const loop = repeat(
    async () => {
      const due = settled();
      if (due !== done && (await attempt())) done = due;
    },
    checkMillis,
    leaving.signal,
    () => undefined,
  );

  return {
    counters,
    async caughtUp() {
      await attempt();
    },
    async close() {
      leaving.abort();
      await loop;
      await working;
    },
  };
}

/** Analyzes and stores all minutes that end until then. After an error it begins anew from what is stored. */
function createCatchUp(
  { clickhouse, log, now, configuration = CONFIGURATION, onMinute }: AnalyzerOptions,
  counters: AnalyzerCounters,
  signal: AbortSignal,
): (until: number) => Promise<void> {
  const { reading, writing } = clickhouse;
  let replay: Replay | undefined;
  let stored = 0;
  /** Misconfigurations of the warm-up of a first run, until its first minute. */
  let found: Map<string, Incident> | undefined;
  let digest: Incident | undefined;
  /** Incidents that the digest stands for: they alert nobody. */
  const digested = new Set<string>();

  async function begin(until: number): Promise<Replay> {
    const before = await readAnalyzedUntil(reading);
    // Nothing was said yet: what is there already is the warm-up.
    if (before === undefined) {
      await saveAnalyzedUntil(writing, until - MINUTE);
      found = new Map();
    }
    stored = before ?? until - MINUTE;
    const begun = await createReplay(reading, configuration, until - configuration.warmUpMillis, until);
    log.info({ from: new Date(begun.next).toISOString() }, 'analyzer reads its warm-up');
    return begun;
  }

  async function advance(running: Replay, until: number): Promise<void> {
    for await (const { minute, incidents: ofMinute } of running.advance(until)) {
      if (signal.aborted) return;
      if (minute <= stored) {
        for (const incident of ofMinute) found?.set(incident.id, incident);
        continue;
      }
      const started = performance.now();
      const at = minute + MINUTE;
      if (found !== undefined) {
        digest = firstRunDigest([...found.values()], at);
        for (const { id, class: kind } of found.values()) if (kind === 'misconfiguration') digested.add(id);
        found = undefined;
      }
      const digestNow = digest && digestAt(digest, at);
      const incidents = digestNow === undefined ? ofMinute : [...ofMinute, digestNow];
      await saveIncidents(writing, at, changedIncidents(incidents, at));
      // A row a minute; of many at once, one an hour.
      if (at === until || at % CHECKPOINT_MILLIS === 0) await saveAnalyzedUntil(writing, minute);
      stored = minute;
      const told = incidents.filter(({ id }) => !digested.has(id));
      if (at > now() - CAUGHT_UP_MILLIS) await onMinute?.(told, at);
      Object.assign(counters, {
        ...running.analysis.size,
        ticks: counters.ticks + 1,
        analyzedUntil: at,
        tickMillis: performance.now() - started,
        openIncidents: incidents.filter(({ state }) => state !== 'resolved').length,
      });
    }
  }

  return async (until) => {
    if (signal.aborted) return;
    replay ??= await begin(until);
    try {
      await advance(replay, until);
    } catch (error) {
      // A minute may have been analyzed and not stored.
      replay = undefined;
      throw error;
    }
  };
}

export function noAnalyzerCounters(): AnalyzerCounters {
  return {
    ticks: 0,
    failures: 0,
    analyzedUntil: 0,
    scopes: 0,
    origins: 0,
    calls: 0,
    openIncidents: 0,
    tickMillis: 0,
  };
}

/** What has changed in this minute, and every ten minutes all: an incident's numbers grow all the time. */
function changedIncidents(incidents: readonly Incident[], at: number): Incident[] {
  if (at % (10 * MINUTE) === 0) return [...incidents];
  return incidents.filter(
    ({ state, detectedAt, resolvedAt, signals }) =>
      detectedAt === at ||
      state === 'resolved' ||
      (resolvedAt ?? 0) >= at - MINUTE ||
      signals.some((signal) => signal.at === at),
  );
}

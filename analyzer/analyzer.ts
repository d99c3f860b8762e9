import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ClickHouse } from '../clickhouse/connection.ts';
import { CONFIGURATION, type Configuration } from './configuration.ts';
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
  const { clickhouse, log, now, configuration = CONFIGURATION, checkMillis = CHECK_MILLIS } = options;
  const { reading, writing } = clickhouse;
  const counters: AnalyzerCounters = {
    ticks: 0,
    failures: 0,
    analyzedUntil: 0,
    scopes: 0,
    origins: 0,
    calls: 0,
    openIncidents: 0,
    tickMillis: 0,
  };
  const leaving = new AbortController();
  let replay: Replay | undefined;
  let stored: number | undefined;
  let working = Promise.resolve();

  /** End of the last minute that has settled. */
  const settled = (): number => Math.floor((now() - configuration.settlingMillis) / MINUTE) * MINUTE;

  async function work(): Promise<void> {
    const until = settled();
    if (replay === undefined) {
      stored = await readAnalyzedUntil(reading);
      // Nothing was said yet: what is there already is the warm-up.
      if (stored === undefined) {
        stored = until - MINUTE;
        await saveAnalyzedUntil(writing, stored);
      }
      replay = await createReplay(reading, configuration, until - configuration.warmUpMillis, until);
      log.info({ from: new Date(replay.next).toISOString() }, 'analyzer reads its warm-up');
    }
    for await (const { minute, incidents } of replay.advance(until)) {
      if (leaving.signal.aborted) return;
      if (minute <= (stored ?? 0)) continue;
      const started = performance.now();
      const at = minute + MINUTE;
      await saveIncidents(writing, at, worthStoring(incidents, at));
      // A row a minute; of many at once, one an hour.
      if (at === until || at % CHECKPOINT_MILLIS === 0) await saveAnalyzedUntil(writing, minute);
      stored = minute;
      if (at > now() - CAUGHT_UP_MILLIS) await options.onMinute?.(incidents, at);
      count(incidents, at, performance.now() - started);
    }
  }

  function count(incidents: readonly Incident[], at: number, millis: number): void {
    counters.ticks++;
    counters.analyzedUntil = at;
    counters.tickMillis = millis;
    counters.openIncidents = incidents.filter(({ state }) => state !== 'resolved').length;
    if (replay !== undefined) Object.assign(counters, replay.analysis.size);
  }

  const attempt = (): Promise<void> => {
    working = working.then(async () => {
      if (leaving.signal.aborted) return;
      try {
        await work();
      } catch (error) {
        counters.failures++;
        log.error({ err: error }, 'analyzer could not analyze a minute; it is tried again');
        // A minute may have been analyzed and not stored: begin anew from what is stored.
        replay = undefined;
      }
    });
    return working;
  };

  const loop = (async () => {
    for (let last = 0; !leaving.signal.aborted; ) {
      const due = settled();
      if (due !== last) {
        const failures = counters.failures;
        await attempt();
        if (counters.failures === failures) last = due;
      }
      await delay(checkMillis, undefined, { signal: leaving.signal, ref: false }).catch(() => undefined);
    }
  })();

  return {
    counters,
    caughtUp: attempt,
    async close() {
      leaving.abort();
      await loop;
      await working;
    },
  };
}

/** What has changed in this minute, and every ten minutes all: an incident's numbers grow all the time. */
function worthStoring(incidents: readonly Incident[], at: number): Incident[] {
  if (at % (10 * MINUTE) === 0) return [...incidents];
  return incidents.filter(
    ({ state, detectedAt, resolvedAt, signals }) =>
      detectedAt === at ||
      state === 'resolved' ||
      (resolvedAt ?? 0) >= at - MINUTE ||
      signals.some((signal) => signal.at === at),
  );
}

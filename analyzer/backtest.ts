import type { ClickHouseClient } from '@clickhouse/client';
import { CONFIGURATION, type Configuration } from './configuration.ts';
import type { Incident } from './incidents/incident.ts';
import { createReplay } from './replay.ts';

const MINUTE = 60_000;

export interface BacktestOptions {
  /** Epoch milliseconds; until is exclusive. */
  readonly since: number;
  readonly until: number;
  readonly configuration?: Configuration;
  /** @param fraction 0 to 1, and the minute that was reached, epoch milliseconds */
  readonly onProgress?: (fraction: number, minute: number) => void;
}

/**
 * The incidents that would have been raised in a time, in the order in which they were detected. What lies before it is
 * the warm-up: incidents of the warm-up are not among them. Writes nothing.
 *
 * @param client `ClickHouse.reading`
 */
export async function backtest(client: ClickHouseClient, options: BacktestOptions): Promise<Incident[]> {
  const { configuration = CONFIGURATION, onProgress = () => undefined } = options;
  const since = Math.floor(options.since / MINUTE) * MINUTE;
  const until = Math.floor(options.until / MINUTE) * MINUTE;
  const replay = await createReplay(client, configuration, since - configuration.warmUpMillis, until);
  const start = replay.next;
  const incidents = new Map<string, Incident>();
  for await (const { minute, incidents: changed } of replay.advance(until)) {
    for (const incident of changed) if (incident.detectedAt >= since) incidents.set(incident.id, incident);
    if (minute % (60 * MINUTE) === 0) onProgress((minute - start) / Math.max(1, until - start), minute);
  }
  return [...incidents.values()].sort((a, b) => a.detectedAt - b.detectedAt || (a.id < b.id ? -1 : 1));
}

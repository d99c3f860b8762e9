import type { ClickHouseClient } from '@clickhouse/client';

/**
 * The number of a published set of rows, as decimal text (64 bits): microseconds of the engine's clock at
 * its start × 1024 plus a random part, so that two publishers never share one. Runs taken here are even;
 * the odd number after one is its capped form.
 */
export type Run = string;

/**
 * Takes a number that is greater than any published one, even when the engine's clock was set back: then
 * random within a second, so that two that are taken before the next marker still differ.
 */
export async function takeRun(client: ClickHouseClient): Promise<Run> {
  const result = await client.query({
    query: `SELECT toString(greatest(
        toUInt64(toUnixTimestamp64Micro(now64(6, 'UTC'))),
        intDiv((SELECT max(run) FROM published_slots), 1024) + 1 + rand64() % 1000000,
        intDiv((SELECT max(run) FROM published_hours), 1024) + 1 + rand64() % 1000000
      ) * 1024 + rand() % 512 * 2) AS run`,
    format: 'JSONEachRow',
  });
  const [taken] = await result.json<{ run: Run }>();
  if (taken === undefined) throw new Error('the engine returned no run number');
  return taken.run;
}

/** The number of the capped form of a run. */
export function cappedRun(run: Run): Run {
  return (BigInt(run) + 1n).toString();
}

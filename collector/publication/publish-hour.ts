import { USAGE_NAMES } from '../../clickhouse/columns.ts';
import { syncReplicas } from '../../clickhouse/dialect.ts';
import { seconds } from '../../core/slots.ts';
import { capped, USAGE_HOURS } from './caps.ts';
import type { Publication } from './publish-slots.ts';
import { type Run, takeRun } from './run.ts';

/** The newest marked run of a slot; `slot` is its start in epoch milliseconds. */
export interface SlotRun {
  readonly slot: number;
  readonly run: Run;
}

/**
 * Publishes an hour from the minutes of its slots' newest runs, in the same way as a slot. Its marker lists
 * those runs, so whether the hour is up to date does not depend on a clock.
 *
 * @param hour epoch milliseconds
 * @param made the newest run of each of the hour's slots, in order; slots that were published together
 * share a run, so both slot and run are needed to select rows
 * @returns whether the hour was marked. It is not when rows of a slot were superseded in the meantime, or
 * when a statement was executed twice: then the hour is due again.
 */
export async function publishHour(
  { client, dialect, pause }: Publication,
  hour: number,
  made: readonly SlotRun[],
): Promise<boolean> {
  const run = await takeRun(client);
  const query_params = {
    hour: seconds(hour),
    slots: made.map(({ slot }) => seconds(slot)),
    runs: made.map(({ run }) => BigInt(run)),
  };
  const dimensions = USAGE_NAMES.join(', ');
  const start = `toDateTime({hour:UInt32}, 'UTC')`;
  const within = (column: string): string =>
    `${column} >= ${start} AND ${column} < ${start} + toIntervalHour(1)
     AND (slot, run) IN ${MADE}`;
  await client.command({
    query: `INSERT INTO usage_hours (hour, run, first_seen, last_seen, ${dimensions}, decisions, clients)
      SELECT ${start}, {run:UInt64}, min(minute), max(minute), ${dimensions}, sum(decisions), groupBitOr(clients)
      FROM usage_minutes WHERE ${within('minute')}
      GROUP BY ${dimensions}`,
    query_params: { ...query_params, run },
  });
  await syncReplicas(client, dialect, ['usage_hours']);
  const marked = await capped(client, USAGE_HOURS, run, {
    sql: `hour = ${start}`,
    parameters: { hour: seconds(hour) },
  });
  await client.command({
    query: `INSERT INTO completeness_hours (hour, run, service, instance, received, total)
      SELECT ${start}, {run:UInt64}, service, instance, sum(received), max(total)
      FROM completeness_slots WHERE ${within('slot')}
      GROUP BY service, instance HAVING max(total) > 0`,
    query_params: { ...query_params, run: marked },
  });
  await syncReplicas(client, dialect, ['usage_hours', 'completeness_hours']);
  await pause();
  const summed = `(SELECT sum(decisions) FROM usage_hours WHERE hour = ${start} AND run = {run:UInt64})`;
  const ofSlots = `(SELECT sum(decisions) FROM published_slots WHERE (slot, run) IN ${MADE})`;
  await client.command({
    query: `INSERT INTO published_hours (hour, run, published_at, slot_runs, decisions)
      SELECT ${start}, {run:UInt64}, now64(6, 'UTC'),
        arrayMap((slot, run) -> (toDateTime(slot, 'UTC'), run), {slots:Array(UInt32)}, {runs:Array(UInt64)}), ${summed}
      WHERE ${summed} = ${ofSlots} AND (
        SELECT count() = uniqExact(service, instance) FROM completeness_hours WHERE hour = ${start} AND run = {run:UInt64})`,
    query_params: { ...query_params, run: marked },
  });
  const result = await client.query({
    query: `SELECT count() > 0 AS is_marked FROM published_hours WHERE hour = ${start} AND run = {run:UInt64}`,
    query_params: { hour: seconds(hour), run: marked },
    format: 'JSONEachRow',
  });
  return (await result.json<{ is_marked: number }>())[0]?.is_marked === 1;
}

/** The hour's (slot, run) pairs. */
const MADE = `(
  SELECT toDateTime(made.1, 'UTC'), made.2
  FROM (SELECT arrayJoin(arrayZip({slots:Array(UInt32)}, {runs:Array(UInt64)})) AS made))`;

import type { ClickHouseClient } from '@clickhouse/client';
import { SETTLING_MILLIS, SLOT_MILLIS, seconds } from '../clickhouse/slots.ts';

/** What publication has not done, and why. Slots are starts in epoch milliseconds. */
export interface PublicationState {
  /** How many slots are closed and not published at all: views read their raw rows. */
  readonly unpublished: number;
  /** Slots that are due and could not be published, newest first. */
  readonly stuck: readonly { readonly slot: number; readonly reason: string }[];
  /**
   * Late spans of slots that are published and whose other raw spans are gone: in no other view. At most so many: a
   * rebuild may have counted some of them. Newest first.
   */
  readonly leftOut: readonly { readonly slot: number; readonly spans: number; readonly decisions: number }[];
}

/**
 * @param reading `ClickHouse.reading`
 * @param now epoch milliseconds
 */
export async function publicationState(
  reading: Pick<ClickHouseClient, 'query'>,
  now: number,
): Promise<PublicationState> {
  const ask = async <Row>(query: string): Promise<Row[]> => {
    const query_params = { closed: seconds(now - SLOT_MILLIS - SETTLING_MILLIS) };
    return (await reading.query({ query, query_params, format: 'JSONEachRow' })).json<Row>();
  };
  const [counted] = await ask<{ slots: number }>(
    `SELECT toUInt32(count()) AS slots FROM slots WHERE run = 0 AND slot <= toDateTime({closed:UInt32}, 'UTC')`,
  );
  const stuck = await ask<{ slot: number; reason: string }>(
    `SELECT toUnixTimestamp(slot) AS slot, failure AS reason FROM slot_states
     WHERE failure != '' AND (run = 0 OR behind AND NOT sealed
         OR slot IN (SELECT DISTINCT toStartOfTenMinutes(minute) FROM retired_spans))
     ORDER BY slot DESC`,
  );
  const leftOut = await ask<{ slot: number; spans: number; decisions: number }>(
    `SELECT toUnixTimestamp(slot) AS slot, sum(left_out.spans) AS spans, sum(left_out.decisions) AS decisions
     FROM left_out GROUP BY slot ORDER BY slot DESC`,
  );
  const inMillis = <Row extends { readonly slot: number }>(rows: readonly Row[]) =>
    rows.map((row) => ({ ...row, slot: row.slot * 1000 }));
  return { unpublished: counted?.slots ?? 0, stuck: inMillis(stuck), leftOut: inMillis(leftOut) };
}

/**
 * What a person can do for slots that were left out or dropped, as the end of a sentence about them.
 *
 * @param slots starts in epoch milliseconds, at least one
 */
export function rebuildRemedy(slots: readonly number[]): string {
  const time = (millis: number): string => new Date(millis).toISOString().replace('.000', '');
  const since = time(Math.min(...slots));
  const until = time(Math.max(...slots) + SLOT_MILLIS);
  return `"originscope rebuild --since ${since} --until ${until}" publishes these slots again from what Kafka still has, and says what that replaces`;
}

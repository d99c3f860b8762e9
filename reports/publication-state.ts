import type { ClickHouseClient } from '@clickhouse/client';
import { SETTLING_MILLIS, SLOT_MILLIS, seconds } from '../core/slots.ts';

/** A slot (start, epoch milliseconds) that is due and could not be published. */
export interface StuckSlot {
  readonly slot: number;
  readonly reason: string;
}

/** Late spans of a slot (start, epoch milliseconds) that is published and whose other raw spans are gone. */
export interface LeftOutSlot {
  readonly slot: number;
  readonly spans: number;
  readonly decisions: number;
}

/** Backlog and failures of publication. */
export interface PublicationState {
  /** Closed slots that are not published yet: views read their raw rows. */
  readonly unpublished: number;
  readonly stuck: readonly StuckSlot[];
  readonly leftOut: readonly LeftOutSlot[];
}

type Reading = Pick<ClickHouseClient, 'query'>;

/**
 * @param reading `ClickHouse.reading`
 * @param now epoch milliseconds
 */
export async function publicationState(reading: Reading, now: number): Promise<PublicationState> {
  const [counted] = await ask<{ slots: number }>(
    reading,
    `SELECT toUInt32(count()) AS slots FROM slots WHERE run = 0 AND slot <= toDateTime({closed:UInt32}, 'UTC')`,
    { closed: seconds(now - SLOT_MILLIS - SETTLING_MILLIS) },
  );
  const unpublished = counted?.slots ?? 0;
  return { unpublished, stuck: await stuckSlots(reading), leftOut: await leftOutSlots(reading) };
}

/** Newest first. */
export async function stuckSlots(reading: Reading): Promise<StuckSlot[]> {
  const stuck = await ask<StuckSlot>(
    reading,
    `SELECT toUnixTimestamp(slot) AS slot, failure AS reason FROM slot_states
     WHERE failure != '' AND (run = 0 OR behind AND NOT sealed
         OR slot IN (SELECT DISTINCT toStartOfTenMinutes(minute) FROM retired_spans))
     ORDER BY slot DESC`,
  );
  return stuck.map(inMillis);
}

/** Upper bounds: a rebuild may have counted some of the spans. Newest first. */
export async function leftOutSlots(reading: Reading): Promise<LeftOutSlot[]> {
  const leftOut = await ask<LeftOutSlot>(
    reading,
    `SELECT toUnixTimestamp(slot) AS slot, sum(left_out.spans) AS spans, sum(left_out.decisions) AS decisions
     FROM left_out GROUP BY slot ORDER BY slot DESC`,
  );
  return leftOut.map(inMillis);
}

async function ask<Row>(
  reading: Reading,
  query: string,
  query_params: Record<string, unknown> = {},
): Promise<Row[]> {
  return (await reading.query({ query, query_params, format: 'JSONEachRow' })).json<Row>();
}

const inMillis = <Row extends { readonly slot: number }>(row: Row): Row => ({
  ...row,
  slot: row.slot * 1000,
});

/** @returns one sentence */
export function stuckText({ slot, reason }: StuckSlot): string {
  return `Slot ${timeText(slot)} could not be published: ${reason}`;
}

/** @param slots at least one
 * @returns sentences with the remedy */
export function leftOutText(slots: readonly LeftOutSlot[]): string {
  const count = (of: (slot: LeftOutSlot) => number, noun: string): string => {
    const sum = slots.reduce((total, slot) => total + of(slot), 0);
    return `${sum.toLocaleString('en')} ${noun}${sum === 1 ? '' : 's'}`;
  };
  return (
    `${count(({ spans }) => spans, 'late span')} with ${count(({ decisions }) => decisions, 'decision')} came for ${count(() => 1, 'slot')} ` +
    `whose other raw spans were gone, and no view counts them. ${rebuildRemedy(slots.map(({ slot }) => slot))}`
  );
}

/**
 * The remedy for slots that were left out or dropped, as the end of a sentence.
 *
 * @param slots starts in epoch milliseconds, at least one
 */
export function rebuildRemedy(slots: readonly number[]): string {
  const since = timeText(Math.min(...slots));
  const until = timeText(Math.max(...slots) + SLOT_MILLIS);
  return `"originscope rebuild --since ${since} --until ${until}" publishes these slots again from what Kafka still has, and says what that replaces`;
}

/** RFC 3339 without milliseconds. */
function timeText(millis: number): string {
  return new Date(millis).toISOString().replace('.000', '');
}

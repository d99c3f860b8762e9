import type { ClickHouse } from '../../clickhouse/connection.ts';
import { createWriter, type Writer } from '../../collector/ingest/writer.ts';
import { createPublisher, type Publisher } from '../../collector/publication/publisher.ts';
import { openTestClickHouse } from './clickhouse.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
/** A recent hour: the engine's own clock must agree that it is within retention. */
export const START = Math.floor(Date.now() / HOUR) * HOUR - 6 * HOUR;

export interface Pipeline {
  readonly clickHouse: ClickHouse;
  readonly writer: Writer;
  readonly publisher: Publisher;
  /** Sets the clock to this long after START. */
  at(millis: number): void;
  now(): number;
}

/** Writer and publisher over an empty embedded ClickHouse, with a clock that the test sets. */
export async function pipeline(directory?: string): Promise<Pipeline> {
  const clickHouse = await openTestClickHouse(directory);
  let clock = START;
  const now = () => clock;
  return {
    clickHouse,
    writer: createWriter({ client: clickHouse.writing, now, lingerMillis: 0 }),
    publisher: createPublisher({
      client: clickHouse.publishing,
      now,
      republishMillis: 0,
      readerGraceMillis: 0,
    }),
    now,
    at(millis) {
      clock = START + millis;
    },
  };
}

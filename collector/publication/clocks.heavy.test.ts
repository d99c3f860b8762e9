import { expect, test } from 'vitest';
import type { ClickHouse } from '../../clickhouse/connection.ts';
import { rows } from '../../test/support/clickhouse.ts';
import { decisionSpans } from '../../test/support/decision-spans.ts';
import { withEngineClock } from '../../test/support/engine-clock.ts';
import { inEachPlace } from '../../test/support/in-each-place.ts';
import { HOUR, MINUTE, START } from '../../test/support/pipeline.ts';
import { createWriter } from '../ingest/writer.ts';
import { createPublisher } from './publisher.ts';

type Clock = 'writer' | 'publisher' | 'engine';
type Offsets = Readonly<Record<Clock, number>>;

/** Ten spans per call, of a minute that is accepted even by a clock that is an hour behind. */
const spansOf = (batch: number) =>
  decisionSpans(10, (index) => ({
    time: START + 4 * MINUTE,
    spanId: `${batch.toString(16).padStart(2, '0')}${index.toString(16).padStart(14, '0')}`,
  }));

/** A writer, a publisher and an engine with independent clocks. */
function pipeline(clickHouse: ClickHouse) {
  let time = START;
  let offsets: Offsets = { writer: 0, publisher: 0, engine: 0 };
  const engineOffset = () => time - Date.now() + offsets.engine;
  let batches = 0;
  const writer = createWriter({
    client: withEngineClock(clickHouse.writing, engineOffset),
    now: () => time + offsets.writer,
    lingerMillis: 0,
  });
  const publisher = createPublisher({
    client: withEngineClock(clickHouse.publishing, engineOffset),
    dialect: clickHouse.dialect,
    now: () => time + offsets.publisher,
    republishMillis: 0,
    readerGraceMillis: 0,
  });
  return {
    publisher,
    write: () => writer.write(spansOf(batches++)),
    /** The number of acknowledged decisions. */
    acknowledged: () => batches * 10,
    at(millis: number, clocks: Partial<Offsets> = {}) {
      time = START + millis;
      offsets = { writer: 0, publisher: 0, engine: 0, ...clocks };
    },
  };
}

async function decisions(clickHouse: ClickHouse): Promise<unknown> {
  const [row] = await rows(
    clickHouse,
    `SELECT (SELECT sum(decisions) FROM origin_usage) AS minutes, (SELECT sum(decisions) FROM origin_usage_hourly) AS hours,
       (SELECT count() FROM left_out) AS left_out`,
  );
  return row;
}

const STEPS: readonly (readonly [string, Partial<Offsets>])[] = [
  ['all clocks were an hour ahead', { writer: HOUR, publisher: HOUR, engine: HOUR }],
  ['all clocks were an hour behind', { writer: -HOUR, publisher: -HOUR, engine: -HOUR }],
  ["the engine's clock was an hour ahead", { engine: HOUR }],
  ["the engine's clock was an hour behind", { engine: -HOUR }],
  ["the publisher's clock was an hour ahead", { publisher: HOUR }],
  ["the writer's clock is two minutes ahead", { writer: 2 * MINUTE }],
  ["the writer's clock is two minutes behind", { writer: -2 * MINUTE }],
  ["the publisher's clock is two minutes ahead", { publisher: 2 * MINUTE }],
  ["the engine's clock is two minutes ahead", { engine: 2 * MINUTE, writer: -2 * MINUTE }],
];

inEachPlace('$place', (open) => {
  test.each(STEPS)('all acknowledged spans are published: %s', async (_, clocks) => {
    const clickHouse = await open();
    const { publisher, write, acknowledged, at } = pipeline(clickHouse);
    at(5 * MINUTE, clocks);
    await write();
    at(13 * MINUTE, clocks);
    await write();
    await publisher.tick();
    await write();
    // Corrected or still off: late spans are published as soon as usual.
    for (const later of [clocks, {}]) {
      at(70 * MINUTE, later);
      await write();
      await publisher.tick();
      await write();
      await publisher.tick();
    }
    const counted = { minutes: acknowledged(), hours: acknowledged(), left_out: 0 };
    expect(await decisions(clickHouse)).toEqual(counted);
    expect(await publisher.tick()).toEqual({ slots: [], hours: [] });

    at(80 * HOUR);
    await publisher.tick();
    await publisher.clean();
    expect(await rows(clickHouse, 'SELECT count() AS raw FROM decision_spans')).toEqual([{ raw: 0 }]);
    expect(await decisions(clickHouse)).toEqual(counted);
  });
});

import type { ClickHouse } from '../../clickhouse/connection.ts';
import { createWriter } from '../../collector/ingest/writer.ts';
import { beginImport } from '../../collector/publication/import.ts';
import { createPublisher } from '../../collector/publication/publisher.ts';
import { spansOf } from '../scenarios/spans.ts';
import type { World } from '../scenarios/world.ts';

const BATCH = 20_000;

/** Imports what simulated services did, as `originscope import` does. */
export async function recordWorlds(
  clickHouse: ClickHouse,
  worlds: readonly World[],
  now: () => number,
): Promise<void> {
  const writer = createWriter({ client: clickHouse.writing, now });
  const publisher = createPublisher({
    client: clickHouse.publishing,
    now,
    republishMillis: 0,
    readerGraceMillis: 0,
  });
  const importing = await beginImport({ client: clickHouse.publishing, writer, publisher, now });
  let number = 0;
  for (const world of worlds) {
    let batch = [];
    for (const { rows } of world.minutes()) {
      batch.push(...spansOf(rows, number));
      number += rows.length;
      if (batch.length < BATCH) continue;
      await importing.add(batch);
      batch = [];
    }
    await importing.add(batch);
  }
  await importing.finish();
  await writer.close();
}

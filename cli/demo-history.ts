import { type ClickHouse, openClickHouse } from '../clickhouse/connection.ts';
import type { DecisionSpan } from '../clickhouse/decision-span.ts';
import { migrate } from '../clickhouse/migrations.ts';
import { createWriter } from '../collector/ingest/writer.ts';
import { beginImport } from '../collector/publication/import.ts';
import { createPublisher } from '../collector/publication/publisher.ts';

/** What was imported. */
export interface ImportedHistory {
  readonly spans: number;
  readonly decisions: number;
  readonly millis: number;
}

/**
 * Imports a history into a new data directory, as `originscope import` does.
 *
 * @param now epoch milliseconds
 */
export async function importHistory(
  directory: string,
  history: Iterable<readonly DecisionSpan[]>,
  now: () => number,
): Promise<ImportedHistory> {
  const began = now();
  const clickhouse = await openClickHouse({ directory }, { createDatabase: true });
  try {
    await migrate(clickhouse.writing, clickhouse);
    return { ...(await importInto(clickhouse, history, now)), millis: now() - began };
  } finally {
    await clickhouse.close();
  }
}

async function importInto(
  clickhouse: ClickHouse,
  history: Iterable<readonly DecisionSpan[]>,
  now: () => number,
): Promise<Pick<ImportedHistory, 'spans' | 'decisions'>> {
  const writer = createWriter({ client: clickhouse.writing, now });
  const publisher = createPublisher({
    client: clickhouse.publishing,
    dialect: clickhouse.dialect,
    now,
    // There are no readers to wait for.
    readerGraceMillis: 0,
  });
  // Frozen slots are published by the import; the collector publishes open ones and hours in the background.
  const unhurried = { ...publisher, tick: async () => ({ slots: [], hours: [] }) };
  const importing = await beginImport({ client: clickhouse.publishing, writer, publisher: unhurried, now });
  let decisions = 0;
  let spans = 0;
  try {
    for (const batch of history) {
      await importing.add(batch);
      spans += batch.length;
      for (const span of batch) decisions += span.decisions;
    }
    await importing.finish();
  } finally {
    await writer.close();
  }
  return { spans, decisions };
}

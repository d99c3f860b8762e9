import type { ClickHouseClient } from '@clickhouse/client';
import { repeat } from '../../core/repeat.ts';
import { type StuckSlot, stuckSlots } from '../../reports/publication-state.ts';

/** What monitoring tells of publication: whoever publishes, the database knows. */
export interface PublicationWatch {
  /** As they were seen last. */
  readonly stuck: readonly StuckSlot[];
  stop(): Promise<void>;
}

const EVERY_MILLIS = 30_000;

/** @param reading `ClickHouse.reading` */
export function startPublicationWatch(
  reading: Pick<ClickHouseClient, 'query'>,
  everyMillis: number = EVERY_MILLIS,
): PublicationWatch {
  const stopping = new AbortController();
  let stuck: readonly StuckSlot[] = [];
  async function look(): Promise<void> {
    stuck = await stuckSlots(reading);
  }
  // While ClickHouse does not answer, readiness says so.
  const watching = repeat(look, everyMillis, stopping.signal, () => undefined);
  return {
    get stuck() {
      return stuck;
    },
    async stop() {
      stopping.abort();
      await watching;
    },
  };
}

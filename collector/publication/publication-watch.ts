import type { ClickHouseClient } from '@clickhouse/client';
import { repeat } from '../../core/repeat.ts';
import { type StuckSlot, stuckSlots } from '../../reports/publication-state.ts';

/** The state of publication for monitoring, read from the database, whichever process publishes. */
export interface PublicationWatch {
  /** As of the last check. */
  readonly stuck: readonly StuckSlot[];
  stop(): Promise<void>;
}

const INTERVAL_MILLIS = 30_000;

/** @param reading `ClickHouse.reading` */
export function startPublicationWatch(
  reading: Pick<ClickHouseClient, 'query'>,
  everyMillis: number = INTERVAL_MILLIS,
): PublicationWatch {
  const stopping = new AbortController();
  let stuck: readonly StuckSlot[] = [];
  async function look(): Promise<void> {
    stuck = await stuckSlots(reading);
  }
  // While ClickHouse does not respond, readiness reports that.
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

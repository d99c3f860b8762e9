import type { ClickHouseClient } from '@clickhouse/client';
import { Gauge, type Registry } from 'prom-client';
import { SETTLING_MILLIS, SLOT_MILLIS, seconds } from '../clickhouse/slots.ts';

/**
 * Asked of ClickHouse with every scrape, so that all who share the publishing tell the same; without a value
 * while ClickHouse does not answer.
 *
 * @param reading `ClickHouse.reading`
 * @param now epoch milliseconds
 */
export function publicationMetrics(
  registry: Registry,
  reading: Pick<ClickHouseClient, 'query'>,
  now: () => number,
): void {
  const waiting: Gauge = new Gauge({
    name: 'originscope_unpublished_slots',
    help: 'Slots that are closed and not published: views read their raw rows, which costs more',
    // A label only to have no series where there is no value.
    labelNames: ['state'],
    registers: [registry],
    async collect() {
      waiting.reset();
      const slots = await unpublishedSlots(reading, now()).catch(() => undefined);
      if (slots !== undefined) waiting.set({ state: 'closed' }, slots);
    },
  });
}

async function unpublishedSlots(reading: Pick<ClickHouseClient, 'query'>, now: number): Promise<number> {
  const result = await reading.query({
    query: `SELECT toUInt32(count()) AS slots FROM slots WHERE run = 0 AND slot <= toDateTime({closed:UInt32}, 'UTC')`,
    query_params: { closed: seconds(now - SLOT_MILLIS - SETTLING_MILLIS) },
    format: 'JSONEachRow',
  });
  const [row] = await result.json<{ slots: number }>();
  return row?.slots ?? 0;
}

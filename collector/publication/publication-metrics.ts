import type { ClickHouseClient } from '@clickhouse/client';
import { Gauge, type Registry } from 'prom-client';
import { type PublicationState, publicationState } from '../../reports/publication-state.ts';

const GAUGES: readonly {
  readonly name: string;
  readonly help: string;
  value(state: PublicationState): number;
}[] = [
  {
    name: 'originscope_unpublished_slots',
    help: 'Slots that are closed and not published: views read their raw rows, which is slower',
    value: ({ unpublished }) => unpublished,
  },
  {
    name: 'originscope_stuck_slots',
    help: 'Slots that are due but cannot be published; see the log and the report for the reason',
    value: ({ stuck }) => stuck.length,
  },
  {
    name: 'originscope_left_out_slots',
    help: 'Slots that received spans after their raw rows had been dropped: no view counts these spans',
    value: ({ leftOut }) => leftOut.length,
  },
  {
    name: 'originscope_left_out_decisions',
    help: 'Upper bound of the decisions of these spans',
    value: ({ leftOut }) => leftOut.reduce((sum, { decisions }) => sum + decisions, 0),
  },
];

/**
 * Reads the state from ClickHouse with every scrape, so that all publishing processes report the same;
 * without a value while ClickHouse does not respond.
 *
 * @param reading `ClickHouse.reading`
 * @param now returns epoch milliseconds
 */
export function publicationMetrics(
  registry: Registry,
  reading: Pick<ClickHouseClient, 'query'>,
  now: () => number,
): void {
  // One query per scrape, whose gauges are collected at the same time.
  let asked: Promise<PublicationState | undefined> | undefined;
  const ask = (): Promise<PublicationState | undefined> => {
    asked ??= publicationState(reading, now())
      .catch(() => undefined)
      .finally(() => {
        asked = undefined;
      });
    return asked;
  };
  for (const { name, help, value } of GAUGES) {
    const gauge: Gauge = new Gauge({
      name,
      help,
      // A label, because only labelled gauges can be without a series.
      labelNames: ['state'],
      registers: [registry],
      async collect() {
        gauge.reset();
        const state = await ask();
        if (state !== undefined) gauge.set({ state: 'closed' }, value(state));
      },
    });
  }
}

import type { ClickHouseClient } from '@clickhouse/client';
import type { Logger } from 'pino';
import { DEFAULT_LINKS } from '../analyzer/alerting/alert-links.ts';
import { createAlerting } from '../analyzer/alerting/alerting.ts';
import { CONFIGURATION } from '../analyzer/configuration.ts';
import type { Incident } from '../analyzer/incidents/incident.ts';
import { saveAnalyzedUntil, saveIncidents } from '../analyzer/incidents/incident-store.ts';
import { createReplay } from '../analyzer/replay.ts';
import { renderAlert } from './pages/alert-page.ts';
import { pageOptions } from './pages/terminal.ts';

const MINUTE = 60_000;

/** What the analyzer does in the demo: it does not wait until a minute has settled, because all senders have stopped. */
export interface DemoAnalyzer {
  /**
   * Analyzes the minutes up to a time, stores the incidents that are open then, and alerts the terminal of what is new.
   *
   * @returns incidents that are open
   */
  advance(until: number): Promise<Incident[]>;
  close(): Promise<void>;
}

/**
 * @param since start of the history, epoch milliseconds
 * @param write gets the alerts, as the terminal shows them
 */
export async function createDemoAnalyzer(options: {
  readonly reading: ClickHouseClient;
  readonly writing: ClickHouseClient;
  readonly since: number;
  readonly until: number;
  readonly log: Logger;
  readonly now: () => number;
  readonly write: (text: string) => void;
}): Promise<DemoAnalyzer> {
  const { reading, writing, log, now, write } = options;
  const replay = await createReplay(reading, CONFIGURATION, options.since, options.until);
  const alerting = createAlerting({
    alertmanagers: [],
    log,
    now,
    onChange: (alert) => write(`${renderAlert(alert, now(), DEFAULT_LINKS, pageOptions(process.stdout))}\n`),
  });
  return {
    async advance(until) {
      let open: readonly Incident[] = [];
      let last: number | undefined;
      for await (const { minute, incidents } of replay.advance(until)) {
        open = incidents.filter(({ state }) => state !== 'resolved');
        last = minute;
      }
      if (last !== undefined) {
        await saveIncidents(writing, last + MINUTE, open);
        await saveAnalyzedUntil(writing, last);
      }
      // Those that page are read first.
      const order = open.toSorted((a, b) => Number(b.page) - Number(a.page));
      alerting.deliver(order, now());
      return order;
    },
    close: alerting.close,
  };
}

import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { type Alerting, createAlerting } from '../analyzer/alerting/alerting.ts';
import { alertingMetrics } from '../analyzer/alerting/alerting-metrics.ts';
import { startAnalyzer } from '../analyzer/analyzer.ts';
import { analyzerMetrics } from '../analyzer/analyzer-metrics.ts';
import { CONFIGURATION } from '../analyzer/configuration.ts';
import type { ClickHouse } from '../clickhouse/connection.ts';
import { createClosers } from '../core/closers.ts';
import { OriginscopeError } from '../core/errors.ts';
import { renderAlert } from './pages/alert-page.ts';
import { pageOptions } from './pages/terminal.ts';
import type { Settings } from './settings/table.ts';

/**
 * Alerting as the settings have it. Alerts go to the terminal, too, where there is one.
 *
 * @throws OriginscopeError `WEBHOOK_SECRET_MISSING`
 */
export function alertingOf(
  settings: Settings,
  { log, terminal }: { readonly log: Logger; readonly terminal?: NodeJS.WriteStream },
): Alerting {
  const { alertmanagers = [], alertmanagerAuth, webhook, webhookSecret, dashboardUrl, runbookUrl } = settings;
  if (webhook !== undefined && webhookSecret === undefined) {
    throw new OriginscopeError('WEBHOOK_SECRET_MISSING');
  }
  const links = { runbooks: runbookUrl, dashboard: dashboardUrl };
  return createAlerting({
    alertmanagers: alertmanagers.map((url) => ({ url, authorization: alertmanagerAuth })),
    webhook: webhook && webhookSecret ? { url: webhook, secret: webhookSecret } : undefined,
    links,
    onChange:
      terminal &&
      ((alert) => terminal.write(`\n${renderAlert(alert, Date.now(), links, pageOptions(terminal))}`)),
    log,
  });
}

export interface AlertingAnalyzerOptions {
  readonly clickhouse: Pick<ClickHouse, 'openReader' | 'writing'>;
  readonly log: Logger;
  /** The metrics of analyzer and alerting are added to it. */
  readonly registry?: Registry;
  /** Where alerts are shown as well. */
  readonly terminal?: NodeJS.WriteStream;
}

/**
 * Starts the analyzer, and alerts people of what it finds.
 *
 * @throws OriginscopeError `WEBHOOK_SECRET_MISSING`
 */
export async function startAlertingAnalyzer(
  settings: Settings,
  { clickhouse, log, registry, terminal }: AlertingAnalyzerOptions,
): Promise<{ troubles(): string[]; close(): Promise<void> }> {
  // Before alerting, which would have to be closed if it failed.
  const reading = await clickhouse.openReader();
  const alerting = alertingOf(settings, { log, ...(terminal !== undefined && { terminal }) });
  const analyzer = startAnalyzer({
    clickhouse: { reading, writing: clickhouse.writing },
    log,
    now: Date.now,
    configuration: {
      ...CONFIGURATION,
      alarmsPerServiceDay: settings.alarmBudget,
      pageRules: settings.pageRules ?? [],
    },
    onMinute: (incidents) => alerting.deliver(incidents, Date.now()),
  });
  if (registry !== undefined) {
    alertingMetrics(registry, alerting);
    analyzerMetrics(registry, analyzer.counters);
  }
  const closers = createClosers();
  closers.add(alerting.close);
  closers.add(analyzer.close);
  return { troubles: alerting.troubles, close: closers.close };
}

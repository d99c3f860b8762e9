import type { Logger } from 'pino';
import { type Alerting, createAlerting } from '../analyzer/alerting/alerting.ts';
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

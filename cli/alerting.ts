import type { Logger } from 'pino';
import { type Alerting, createAlerting } from '../analyzer/alerting/alerting.ts';
import { OriginscopeError } from '../core/errors.ts';
import { renderAlert } from './pages/alert-page.ts';
import { pageOptions } from './pages/terminal.ts';
import type { SettingName, Settings } from './settings/table.ts';

export const ALERTING_SETTINGS = [
  'alertmanagers',
  'alertmanagerAuth',
  'webhook',
  'webhookSecret',
  'pageRules',
  'dashboardUrl',
  'runbookUrl',
] as const satisfies readonly SettingName[];

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
    throw new OriginscopeError('WEBHOOK_SECRET_MISSING', 'a webhook without a secret cannot be signed', {
      remedy: 'Set ORIGINSCOPE_WEBHOOK_SECRET to what the receiver checks signatures with.',
    });
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

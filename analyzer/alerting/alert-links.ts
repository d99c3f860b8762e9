import type { Incident } from '../incidents/incident.ts';
import { runbookOf } from './runbooks.ts';

/** Where the links of an alert lead. */
export interface AlertLinks {
  /** Folder of the runbook pages, as a URL or a path. */
  readonly runbooks: string;
  /**
   * URL of a dashboard with the placeholders `{service}`, `{environment}`, `{incident}`, `{from}` and `{to}` (epoch
   * milliseconds, or `now`); they are encoded. Without one there is no link to a dashboard.
   */
  readonly dashboard?: string | undefined;
}

/** The pages of this repository. */
export const DEFAULT_LINKS: AlertLinks = { runbooks: 'docs/runbooks' };

const HOUR = 3_600_000;

export function runbookUrl({ runbooks }: AlertLinks, page: string): string {
  return `${runbooks.replace(/\/+$/, '')}/${page}.md`;
}

export function runbookUrlOf(links: AlertLinks, incident: Incident): string {
  return runbookUrl(links, runbookOf(incident));
}

/** What stands for what in the dashboard's URL. */
function placeholders({ service, environment, id, startedAt, resolvedAt }: Incident): Map<string, string> {
  return new Map([
    ['service', service],
    ['environment', environment],
    ['incident', id],
    ['from', String(startedAt - HOUR)],
    ['to', resolvedAt === undefined ? 'now' : String(resolvedAt + HOUR / 2)],
  ]);
}

const PLACEHOLDER = /\{(service|environment|incident|from|to)\}/g;

/** Whether the text is a URL once its placeholders have values. */
export function isDashboardTemplate(text: string): boolean {
  const url = text.replace(PLACEHOLDER, '0');
  return /^https?:/.test(url) && URL.canParse(url) && !/[{}]/.test(url);
}

/** The dashboard from an hour before the change until now, or half an hour after its end; undefined without one. */
export function dashboardUrlOf({ dashboard }: AlertLinks, incident: Incident): string | undefined {
  const values = placeholders(incident);
  return dashboard?.replace(PLACEHOLDER, (_, name: string) =>
    encodeURIComponent((values.get(name) ?? '').toWellFormed()),
  );
}

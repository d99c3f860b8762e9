import type { IncidentClass } from '../incidents/incident.ts';
import { alertContent, type Section } from './alert-content.ts';
import { type AlertLinks, dashboardUrlOf, runbookUrl, runbookUrlOf } from './alert-links.ts';
import type { Alert } from './alert-tracker.ts';
import { HEARTBEAT_RUNBOOK } from './runbooks.ts';
import { safeText } from './safe-text.ts';

/** As `POST /api/v2/alerts` takes it. Times are RFC 3339. */
export interface AlertmanagerAlert {
  /** The identity: two alerts with the same labels are one. So no counts, scores or versions. */
  readonly labels: Readonly<Record<string, string>>;
  /** The latest ones win. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
}

const ALERT_NAMES: Readonly<Record<IncidentClass, string>> = {
  breakage: 'OriginscopeBreakage',
  suspicious: 'OriginscopeSuspicious',
  legitimate_shift: 'OriginscopeLegitimateShift',
  misconfiguration: 'OriginscopeMisconfiguration',
  telemetry_gap: 'OriginscopeTelemetryGap',
  unclassified: 'OriginscopeUnclassified',
};
export const HEARTBEAT_NAME = 'OriginscopeHeartbeat';

/** Names of services and environments come with the telemetry. */
const LABEL_LIMIT = 200;
const SUMMARY_LIMIT = 500;
const DESCRIPTION_LIMIT = 6_000;
const URL_LIMIT = 2_000;

/** An alert, valid until `firingUntil` (epoch milliseconds) unless it is sent again. */
export function alertmanagerAlert(
  { incident, resolvedAt }: Alert,
  firingUntil: number,
  links: AlertLinks,
): AlertmanagerAlert {
  const ended = { ...incident, resolvedAt };
  const { summary, sections } = alertContent(ended, links);
  const dashboard = dashboardUrlOf(links, ended);
  return {
    labels: {
      alertname: ALERT_NAMES[incident.class],
      severity: incident.severity,
      class: incident.class,
      // Alertmanager takes an empty label for none.
      service: safeText(incident.service, LABEL_LIMIT),
      environment: safeText(incident.environment, LABEL_LIMIT),
      incident: safeText(incident.id, LABEL_LIMIT),
      page: String(incident.page),
    },
    annotations: {
      summary: limited(summary, SUMMARY_LIMIT),
      description: limited(sections.map(sectionText).join('\n\n'), DESCRIPTION_LIMIT),
      runbook_url: runbookUrlOf(links, incident),
      ...(dashboard !== undefined && dashboard.length <= URL_LIMIT && { dashboard_url: dashboard }),
    },
    ...period(incident.startedAt, resolvedAt ?? firingUntil),
  };
}

/** Fires for as long as analyzers run: who expects it notices when none does. */
export function heartbeatAlert(startedAt: number, firingUntil: number, links: AlertLinks): AlertmanagerAlert {
  return {
    labels: { alertname: HEARTBEAT_NAME, severity: 'none' },
    annotations: {
      summary: "Originscope's analyzer runs",
      description: 'This alert always fires. When it stops, no analyzer looks at the traffic any more.',
      runbook_url: runbookUrl(links, HEARTBEAT_RUNBOOK),
    },
    ...period(startedAt, firingUntil),
  };
}

function sectionText({ title, lines }: Section): string {
  const items = lines.map(({ label, text }) => (label === '' ? `- ${text}` : `- ${label}: ${text}`));
  return [title, ...items].join('\n');
}

/** Alertmanager rejects an end before the start, which clocks that disagree could make. */
function period(start: number, end: number): { startsAt: string; endsAt: string } {
  return {
    startsAt: new Date(Math.min(start, end - 1)).toISOString(),
    endsAt: new Date(end).toISOString(),
  };
}

function limited(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1).toWellFormed()}…`;
}

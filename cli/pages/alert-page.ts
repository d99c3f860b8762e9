import { alertContent, type Line, sinceText } from '../../analyzer/alerting/alert-content.ts';
import type { AlertLinks } from '../../analyzer/alerting/alert-links.ts';
import type { Alert } from '../../analyzer/alerting/alert-tracker.ts';
import type { Severity } from '../../analyzer/incidents/incident.ts';
import { type PageOptions, type Paint, paintFor, readableWidth, wrapped } from './terminal.ts';

const SEVERITY_STYLES = {
  critical: 'red',
  warning: 'yellow',
  info: 'blue',
} as const satisfies Record<Severity, Parameters<Paint>[0]>;

/**
 * An alert as a page for people: in full while it fires; at its end only the evidence, which says what ended it.
 * @param now epoch milliseconds
 */
export function renderAlert(
  { incident, resolvedAt }: Alert,
  now: number,
  links: AlertLinks,
  options: PageOptions,
): string {
  const paint = paintFor(options);
  const width = readableWidth(options);
  const ended = { ...incident, resolvedAt };
  const { summary, sections } = alertContent(ended, links);
  const { class: incidentClass, severity, id, page } = incident;
  const kind = `${severity} ${incidentClass.replaceAll('_', ' ')}`;
  const details = paint('dim', `incident ${id}`);
  if (resolvedAt !== undefined) {
    const heading = `${paint(['bold', 'green'], 'RESOLVED')}  ${kind}  ${details}`;
    const evidence = sections.at(-1)?.lines.map((line) => renderLine(line, paint, width)) ?? [];
    return `${[heading, wrapped('', '', summary, width), ...evidence].join('\n')}\n`;
  }
  const style = SEVERITY_STYLES[severity];
  const urgency = page ? paint(['bold', style], 'PAGE') : paint(style, 'TICKET');
  const parts = [
    `${urgency}  ${kind}  ${details}\n${paint('bold', wrapped('', '', `${summary} (${sinceText(incident, now)})`, width))}`,
    ...sections.map(({ title, lines }) =>
      [paint('bold', title), ...lines.map((line) => renderLine(line, paint, width))].join('\n'),
    ),
  ];
  return `${parts.join('\n\n')}\n`;
}

function renderLine({ label, text, isCopied }: Line, paint: Paint, width: number): string {
  const first = label === '' ? '  ' : `  ${paint('dim', `${label}:`)} `;
  return isCopied ? `${first}${text}` : wrapped(first, '    ', text, width);
}

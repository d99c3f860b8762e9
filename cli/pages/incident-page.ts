import type { AffectedValue } from '../../analyzer/incidents/incident.ts';
import type { IncidentDocument } from '../../analyzer/incidents/incident-document.ts';
import { counted } from '../../core/counted.ts';
import { cleaned } from '../../core/text.ts';
import { type PageOptions, paintFor, readableWidth, wrapped } from './terminal.ts';

const SHOWN = 3;

/** Incidents as a page for people. */
export function renderIncidents(incidents: readonly IncidentDocument[], options: PageOptions): string {
  if (incidents.length === 0) return 'No incidents in this time.\n';
  const pages = incidents.map((incident) => renderIncident(incident, options));
  return `${pages.join('\n')}\n${counted(incidents.length, 'incident')}\n`;
}

/** One incident, in full. */
export function renderIncident(incident: IncidentDocument, options: PageOptions): string {
  const paint = paintFor(options);
  const width = readableWidth(options);
  const { service, environment, subject, severity, page, state, evidence, cause, change, affected } =
    incident;
  const color = page ? 'red' : severity === 'info' ? 'dim' : 'yellow';
  const title = `${incident.class.replaceAll('_', ' ')} · ${cleaned(service)}${environment === '' ? '' : ` (${cleaned(environment)})`} · ${subject.kind} ${cleaned(subject.value)}`;
  const resolved = incident.resolvedAt === null ? state : `resolved ${short(incident.resolvedAt)}`;
  const line = (mark: string, text: string): string => wrapped(`  ${mark} `, '    ', cleaned(text), width);
  const lines = [
    `${paint(color, page ? '● page  ' : '○ ticket')} ${paint('bold', title)}`,
    paint(
      'dim',
      `  ${incident.id} · since ${short(incident.startedAt)}, detected ${short(incident.detectedAt)}, ${resolved} · ${counted(incident.decisions, 'decision')}`,
    ),
  ];
  if (cause !== '') lines.push(line('→', cause));
  if (change !== '') lines.push(line(' ', change));
  lines.push(...evidence.for.map((sentence) => line('+', sentence)));
  lines.push(...evidence.against.map((sentence) => line('−', sentence)));
  for (const [name, values] of Object.entries(affected)) {
    if (values.length > 0)
      lines.push(line('·', `${WORDS[name] ?? name}: ${values.slice(0, SHOWN).map(valueText).join(', ')}`));
  }
  return `${lines.join('\n')}\n`;
}

const WORDS: Readonly<Record<string, string>> = { requestedHeaders: 'requested headers' };

function valueText({ value, share, baselineShare }: AffectedValue): string {
  const usual = baselineShare === 0 ? '' : `, usually ${percent(baselineShare)}`;
  return `${value === '' ? '(none)' : value} (${percent(share)}${usual})`;
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

function short(rfc3339: string): string {
  return rfc3339.slice(0, 16).replace('T', ' ');
}

import { counted } from '../../core/counted.ts';
import { copyableCommand, shellCommand } from '../../core/shell-command.ts';
import { REASON_TEXTS } from '../../explain/reasons/remedies.ts';
import type { AffectedValue, Incident, IncidentClass, Signal } from '../incidents/incident.ts';
import { type AlertLinks, dashboardUrlOf, runbookUrlOf } from './alert-links.ts';
import { FINDINGS, findingOf } from './runbooks.ts';
import { safeText } from './safe-text.ts';

/** What an alert says to people; every line is safe to show anywhere. */
export interface AlertContent {
  /** One line: where, what, since when. */
  readonly summary: string;
  /** In the order in which a person who was just woken up needs them; none is empty. */
  readonly sections: readonly Section[];
}

export interface Section {
  readonly title: string;
  readonly lines: readonly string[];
}

/** Lengths and numbers that keep an alert readable on a telephone, whatever is in the data. */
const LIMITS = { value: 120, sentence: 400, signals: 3, evidence: 5, values: 4 } as const;

/** What an alert about an incident says; a function of the incident alone, so that all replicas say the same. */
export function alertContent(incident: Incident, links: AlertLinks): AlertContent {
  const sections: Section[] = [
    { title: 'What happened', lines: whatHappened(incident) },
    { title: 'What to do', lines: whatToDo(incident, links) },
    { title: 'Who is affected', lines: whoIsAffected(incident) },
    { title: `Why ${CLASS_NAMES[incident.class]}`, lines: evidence(incident) },
  ];
  return { summary: summary(incident), sections: sections.filter(({ lines }) => lines.length > 0) };
}

export const CLASS_NAMES: Readonly<Record<IncidentClass, string>> = {
  breakage: 'breakage',
  suspicious: 'suspicious',
  legitimate_shift: 'a legitimate shift',
  misconfiguration: 'a misconfiguration',
  telemetry_gap: 'a telemetry gap',
  unclassified: 'unclassified',
};

/** `orders (production)`. */
export function placeOf({ service, environment }: Incident): string {
  const name = value(service) || '(no service name)';
  return environment === '' ? name : `${name} (${value(environment)})`;
}

function summary(incident: Incident): string {
  const { startedAt, resolvedAt } = incident;
  const when =
    resolvedAt === undefined
      ? `since ${minuteOf(startedAt)}`
      : `over since ${minuteOf(resolvedAt)}, after ${durationText(resolvedAt - startedAt)}`;
  return `${placeOf(incident)}: ${HEADLINES[incident.class](incident)}, ${when}`;
}

const HEADLINES: Readonly<Record<IncidentClass, (incident: Incident) => string>> = {
  breakage: (incident) => `browsers block ${about(incident)}, allowed before`,
  suspicious: (incident) => `suspicious: ${about(incident)}`,
  legitimate_shift: (incident) => `traffic changed, probably legitimately: ${about(incident)}`,
  misconfiguration: (incident) => {
    const finding = findingOf(incident);
    return `the CORS policy ${finding === undefined ? `has a flaw: ${about(incident)}` : FINDINGS[finding]}`;
  },
  telemetry_gap: () => 'telemetry is missing',
  unclassified: (incident) => `unexplained change: ${about(incident)}`,
};

/** The subject as the object of a sentence. */
function about({ subject, change }: Incident): string {
  const name = value(subject.value);
  switch (subject.kind) {
    case 'origin':
      return name === 'null' ? 'pages without an origin (Origin: null)' : `pages of ${name}`;
    case 'route':
      return `calls to ${name}`;
    case 'header':
      return `calls with the header ${name}`;
    case 'method':
      return `calls with the method ${name}`;
    case 'version':
      return `calls to version ${name}`;
    case 'reason':
      return `calls for the reason ${reasonText(subject.value)}`;
    case 'service':
      return change === '' ? 'calls to this service' : 'calls of several origins';
  }
}

function whatHappened(incident: Incident): string[] {
  const { state, startedAt, detectedAt, resolvedAt, signals } = incident;
  const began = `Began ${minuteOf(startedAt)}, detected ${minuteOf(detectedAt)}`;
  const end = resolvedAt === undefined ? '' : `, over since ${minuteOf(resolvedAt)}`;
  const isRecovering = state === 'recovering' && resolvedAt === undefined;
  const recovering = isRecovering ? ' Recovering: no detector sees it at present.' : '';
  return [
    `${began}${end}.${recovering}`,
    ...signals.slice(0, LIMITS.signals).map(signalText),
    ...further(signals.length - LIMITS.signals, 'signal'),
  ];
}

function signalText({ sentence, observed, expected, unit }: Signal): string {
  const measure = safeText(unit, LIMITS.value);
  return `${ended(sentence)} Observed ${number(observed)} ${measure}, expected ${number(expected)}.`;
}

function whatToDo(incident: Incident, links: AlertLinks): string[] {
  const { class: incidentClass, cause, change } = incident;
  const lines: string[] = [];
  if (cause !== '') lines.push(`Probable cause: ${ended(cause)}`);
  if (change !== '') lines.push(`Change: ${ended(change)}`);
  else lines.push(FIRST_STEPS[incidentClass]);
  const command = reportCommand(incident);
  if (command !== undefined) lines.push(`Look: ${command}`);
  lines.push(`Runbook: ${runbookUrlOf(links, incident)}`);
  const dashboard = dashboardUrlOf(links, incident);
  if (dashboard !== undefined) lines.push(`Dashboard: ${dashboard}`);
  return lines;
}

/** Where the data do not show what to change. */
const FIRST_STEPS: Readonly<Record<IncidentClass, string>> = {
  breakage:
    'Roll back the latest deployment or configuration of this service or its gateway, if there was one.',
  suspicious:
    'Nothing is broken. Check that none of these origins was allowed; a scan alone is not a compromise.',
  legitimate_shift: 'Nothing, if a launch, a campaign or a migration explains it; accept it then.',
  misconfiguration: 'Nothing is broken. Narrow the policy in working hours, with its owner.',
  telemetry_gap:
    'Check whether the service, its exporter and the receivers run. Until it is over, silence of this service proves nothing.',
  unclassified: 'Read the evidence for and against below; then accept or dismiss the incident.',
};

/** What shows the numbers behind an alert; undefined where the name of the service cannot be copied. */
export function reportCommand({ service, startedAt }: Incident): string | undefined {
  const since = new Date(startedAt - 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z');
  const command = shellCommand(['originscope', 'report', '--service', service, '--since', since]);
  const isSafe = service.length <= LIMITS.value && safeText(command, command.length) === command;
  return isSafe ? copyableCommand(command) : undefined;
}

function whoIsAffected({ affected, decisions, class: incidentClass }: Incident): string[] {
  const lists: [string, readonly AffectedValue[], (text: string) => string][] = [
    ['Origins', affected.origins, value],
    ['Routes', affected.routes, value],
    ['Reasons', affected.reasons, reasonText],
    ['Requested headers', affected.requestedHeaders, value],
    ['Versions', affected.versions, value],
  ];
  const noun = incidentClass === 'breakage' ? 'blocked request' : 'decision';
  return [
    ...(decisions > 0 ? [`${counted(decisions, noun)} since it began.`] : []),
    ...lists
      .filter(([, values]) => values.length > 0)
      .map(([title, values, text]) => `${title}: ${valueList(values, text)}.`),
  ];
}

function valueList(values: readonly AffectedValue[], text: (value: string) => string): string {
  const shown = values
    .slice(0, LIMITS.values)
    .map(
      (each) =>
        `${text(each.value) || '(none)'} ${percent(each.share)} (normally ${percent(each.baselineShare)})`,
    );
  return [...shown, ...further(values.length - LIMITS.values)].join('; ');
}

function evidence({ evidence }: Incident): string[] {
  const list = (mark: string, sentences: readonly string[]): string[] => [
    ...sentences.slice(0, LIMITS.evidence).map((sentence) => `${mark} ${ended(sentence)}`),
    ...further(sentences.length - LIMITS.evidence).map((text) => `${mark} ${text}`),
  ];
  return [...list('For:', evidence.for), ...list('Against:', evidence.against)];
}

function further(more: number, noun = ''): string[] {
  if (more <= 0) return [];
  return [noun === '' ? `${more} more` : `and ${counted(more, `more ${noun}`)}`];
}

/** A machine name of the taxonomy with its title. */
function reasonText(reason: string): string {
  const texts: Readonly<Record<string, { readonly title: string }>> = REASON_TEXTS;
  const title = Object.hasOwn(texts, reason) ? texts[reason]?.title : undefined;
  return title === undefined ? value(reason) : `${reason} (${title})`;
}

function value(text: string): string {
  return safeText(text, LIMITS.value);
}

/** A sentence with its full stop. */
function ended(sentence: string): string {
  const text = safeText(sentence, LIMITS.sentence).trim();
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** `2026-11-28 02:14 UTC`. */
export function minuteOf(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** `8 min`, `3 h 5 min`, `2 d 4 h`. */
export function durationText(millis: number): string {
  const minutes = Math.max(0, Math.round(millis / 60_000));
  const parts: [number, string][] = [
    [Math.floor(minutes / 1_440), 'd'],
    [Math.floor(minutes / 60) % 24, 'h'],
    [minutes % 60, 'min'],
  ];
  const present = parts.filter(([amount]) => amount > 0).slice(0, 2);
  return present.map(([amount, unit]) => `${amount} ${unit}`).join(' ') || '0 min';
}

/** Three significant digits are what a person compares. */
function number(amount: number): string {
  return amount.toLocaleString(
    'en',
    Math.abs(amount) < 100 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 },
  );
}

function percent(share: number): string {
  if (share > 0 && share < 0.01) return 'below 1 %';
  return `${Math.round(share * 100)} %`;
}

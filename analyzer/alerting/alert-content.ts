import { counted } from '../../core/counted.ts';
import { originscopeCommand } from '../../core/program.ts';
import { copyableCommand } from '../../core/shell-command.ts';
import { REASON_TEXTS } from '../../explain/reasons/remedies.ts';
import type { Signal } from '../detectors/detection.ts';
import type { AffectedValue, Incident, IncidentClass } from '../incidents/incident.ts';
import { type AlertLinks, dashboardUrlOf, runbookUrlOf } from './alert-links.ts';
import { FLAWS, isMisconfiguration, misconfigurationOf } from './runbooks.ts';
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
  readonly lines: readonly Line[];
}

export interface Line {
  /** What the text is, such as `Routes`; empty where that is clear. */
  readonly label: string;
  readonly text: string;
  /** To be copied: it must not be wrapped. */
  readonly isCopied?: true;
}

/** Lengths and numbers that keep an alert readable on a telephone, whatever is in the data. */
const LIMITS = { value: 120, sentence: 400, signals: 3, evidence: 5, values: 4 } as const;

/** What an alert about an incident says; a function of the incident alone, so that all replicas say the same. */
export function alertContent(incident: Incident, links: AlertLinks): AlertContent {
  const sections: Section[] = [
    { title: 'What happened', lines: whatHappened(incident) },
    { title: 'What to do', lines: whatToDo(incident, links) },
    { title: 'Who is affected', lines: whoIsAffected(incident) },
    { title: `Why ${CLASS_NAMES[incident.class]}`, lines: evidenceLines(incident) },
  ];
  return { summary: summary(incident), sections: sections.filter(({ lines }) => lines.length > 0) };
}

const CLASS_NAMES: Readonly<Record<IncidentClass, string>> = {
  breakage: 'breakage',
  suspicious: 'suspicious',
  legitimate_shift: 'a legitimate shift',
  misconfiguration: 'a misconfiguration',
  telemetry_gap: 'a telemetry gap',
  unclassified: 'unclassified',
};

/** `orders (production)`. */
function placeOf({ service, environment }: Incident): string {
  const name = value(service) || '(no service name)';
  return environment === '' ? name : `${name} (${value(environment)})`;
}

function summary(incident: Incident): string {
  const { startedAt, resolvedAt } = incident;
  const headline = HEADLINES[incident.class](incident);
  return resolvedAt === undefined
    ? `${placeOf(incident)}: ${headline}, since ${minuteOf(startedAt)}`
    : `${placeOf(incident)}: resolved ${minuteOf(resolvedAt)} after ${elapsedText(resolvedAt - startedAt)}: ${headline}`;
}

/** Of a service. */
const HEADLINES: Readonly<Record<IncidentClass, (incident: Incident) => string>> = {
  breakage: (incident) => `browsers block ${about(incident)} that were allowed before`,
  suspicious: (incident) => {
    const name = misconfigurationOf(incident);
    const flaw = name === undefined ? '' : `, and the CORS policy ${FLAWS[name]}`;
    return `suspicious ${about(incident)}${flaw}`;
  },
  legitimate_shift: (incident) => `${about(incident)} changed, probably legitimately`,
  misconfiguration: (incident) => {
    const name = misconfigurationOf(incident);
    return name === undefined
      ? `flaw in the CORS policy, ${about(incident)}`
      : `the CORS policy ${FLAWS[name]}`;
  },
  telemetry_gap: () => 'telemetry is missing',
  unclassified: (incident) => `unexplained change of ${about(incident)}`,
};

/** The decisions that the incident is about. */
function about({ subject }: Incident): string {
  const name = value(subject.value);
  switch (subject.kind) {
    case 'origin':
      return name === 'null' ? 'calls with the origin null' : `calls from ${name}`;
    case 'route':
      return `calls to ${name}`;
    case 'header':
      return `calls with the header ${name}`;
    case 'method':
      return `calls with the method ${name}`;
    case 'version':
      return `calls to version ${name}`;
    case 'reason':
      return isMisconfiguration(subject.value) ? 'calls' : `calls (${reasonTitle(subject.value) ?? name})`;
    case 'service':
      return 'calls to this service';
  }
}

function whatHappened(incident: Incident): Line[] {
  const { state, startedAt, detectedAt, resolvedAt, signals } = incident;
  const end = resolvedAt === undefined ? '' : `, resolved ${minuteOf(resolvedAt, startedAt)}`;
  const isRecovering = state === 'recovering' && resolvedAt === undefined;
  return [
    ...signals.slice(0, LIMITS.signals).map((signal) => line('', signalText(signal))),
    ...further('', signals.length - LIMITS.signals, 'more signal'),
    line('', `Began ${minuteOf(startedAt)}, detected ${minuteOf(detectedAt, startedAt)}${end}.`),
    ...(isRecovering ? [line('', 'Recovering: no detector sees it at present.')] : []),
  ];
}

function signalText({ sentence, observed, expected, unit }: Signal): string {
  const measure = safeText(unit, LIMITS.value);
  return `${ended(sentence)} Observed ${number(observed)} ${measure}, expected ${number(expected)}.`;
}

function whatToDo(incident: Incident, links: AlertLinks): Line[] {
  const { class: incidentClass, cause, change, signals } = incident;
  const lines: Line[] = [];
  const isSaid = signals.slice(0, LIMITS.signals).some(({ sentence }) => sentence === cause);
  if (cause !== '' && !isSaid) lines.push(line('Probable cause', ended(cause)));
  if (change !== '') lines.push(line('Change', ended(change)));
  const isExplained = change !== '' || (cause !== '' && incidentClass === 'breakage');
  if (!isExplained) lines.push(line('', FIRST_STEPS[incidentClass]));
  const command = reportCommand(incident);
  if (command !== undefined) lines.push({ label: 'Look', text: command, isCopied: true });
  const dashboard = dashboardUrlOf(links, incident);
  if (dashboard !== undefined) lines.push({ label: 'Dashboard', text: dashboard, isCopied: true });
  lines.push({ label: 'Runbook', text: runbookUrlOf(links, incident), isCopied: true });
  return lines;
}

/** Where the data do not show what to change. */
const FIRST_STEPS: Readonly<Record<IncidentClass, string>> = {
  breakage:
    'Was this service, its gateway or their configuration deployed when it began? Roll that back, then look for the reason.',
  suspicious:
    'Nothing is broken. Check below that none of these calls was allowed; a scan alone is not a compromise.',
  legitimate_shift: 'Nothing is broken. If a launch, a campaign or a migration explains it, accept it.',
  misconfiguration: 'Nothing is broken. Narrow the policy in working hours, together with its owner.',
  telemetry_gap:
    'Check that the service runs, that it exports, and that the receivers run. Until data arrive, nothing can be said about this service.',
  unclassified: 'Read the evidence below, and the runbook on how to decide.',
};

/** What shows the numbers behind an alert; undefined where the name of the service cannot be copied. */
export function reportCommand({ service, startedAt }: Incident): string | undefined {
  const since = new Date(startedAt - 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z');
  const ofService = service === '' ? [] : ['--service', service];
  const command = originscopeCommand(['report', ...ofService, '--since', since]);
  const isSafe = service.length <= LIMITS.value && safeText(command, command.length) === command;
  return isSafe ? copyableCommand(command) : undefined;
}

function whoIsAffected({ affected, decisions, class: incidentClass }: Incident): Line[] {
  const noun = incidentClass === 'breakage' ? 'blocked request' : 'decision';
  return [
    ...(decisions > 0
      ? [line('', `${counted(decisions, noun)} since it began; their shares, and the usual ones:`)]
      : []),
    ...valueList('Origins', affected.origins, value),
    ...valueList('Routes', affected.routes, value),
    ...valueList('Reasons', affected.reasons, reasonText),
    ...valueList('Requested headers', affected.requestedHeaders, value),
    ...valueList('Versions', affected.versions, value),
  ];
}

function valueList(label: string, values: readonly AffectedValue[], text: (value: string) => string): Line[] {
  if (values.length === 0) return [];
  const shown = values.slice(0, LIMITS.values).map(({ value, share, baselineShare }) => {
    const usual = baselineShare > 0 ? ` (usually ${percent(baselineShare)})` : '';
    return `${text(value) || '(none)'} ${percent(share)}${usual}`;
  });
  const more = values.length - LIMITS.values;
  return [line(label, [...shown, ...(more > 0 ? [`${more} more`] : [])].join(', '))];
}

/** What the signals do not say already. */
function evidenceLines({ evidence, signals }: Incident): Line[] {
  const said = new Set(signals.map(({ sentence }) => sentence));
  const list = (label: string, all: readonly string[]): Line[] => {
    const sentences = all.filter((sentence) => !said.has(sentence));
    return [
      ...sentences.slice(0, LIMITS.evidence).map((sentence) => line(label, ended(sentence))),
      ...further(label, sentences.length - LIMITS.evidence, 'more sentence'),
    ];
  };
  return [...list('For', evidence.for), ...list('Against', evidence.against)];
}

function line(label: string, text: string): Line {
  return { label, text };
}

function further(label: string, more: number, noun: string): Line[] {
  return more > 0 ? [line(label, `and ${counted(more, noun)}`)] : [];
}

/** A machine name of the taxonomy with its title. */
function reasonText(reason: string): string {
  const title = reasonTitle(reason);
  return title === undefined ? value(reason) : `${reason} (${title})`;
}

function reasonTitle(reason: string): string | undefined {
  const texts: Readonly<Record<string, { readonly title: string }>> = REASON_TEXTS;
  return Object.hasOwn(texts, reason) ? texts[reason]?.title : undefined;
}

function value(text: string): string {
  return safeText(text, LIMITS.value);
}

/** A sentence with its full stop, and with times as a person reads them. */
function ended(sentence: string): string {
  const text = safeText(sentence, LIMITS.sentence).trim().replace(RFC_3339, '$1 $2 UTC');
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

const RFC_3339 = /\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?Z/g;

/** `2026-11-28 02:14 UTC`; without the date where another time of the same day stands before it. */
function minuteOf(time: number, before?: number): string {
  const text = `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  const isSameDay = before !== undefined && new Date(before).toISOString().slice(0, 10) === text.slice(0, 10);
  return isSameDay ? text.slice(11) : text;
}

/** `8 min`, `3 h 5 min`, `2 d 4 h`. */
function elapsedText(millis: number): string {
  const minutes = Math.max(0, Math.round(millis / 60_000));
  const parts: [number, string][] = [
    [Math.floor(minutes / 1_440), 'd'],
    [Math.floor(minutes / 60) % 24, 'h'],
    [minutes % 60, 'min'],
  ];
  const present = parts.filter(([amount]) => amount > 0).slice(0, 2);
  return present.map(([amount, unit]) => `${amount} ${unit}`).join(' ') || '0 min';
}

/** How long ago it began, for pages that are read at once. */
export function sinceText({ startedAt }: Incident, now: number): string {
  return `${elapsedText(now - startedAt)} ago`;
}

/** Three significant digits are what a person compares. */
function number(amount: number): string {
  return amount.toLocaleString(
    'en',
    Math.abs(amount) < 100 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 },
  );
}

function percent(share: number): string {
  if (share > 0 && share < 0.01) return 'below 1%';
  return `${Math.round(share * 100)}%`;
}

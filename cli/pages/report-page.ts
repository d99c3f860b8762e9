import { dirname } from 'node:path';
import Table from 'cli-table3';
import { type DiskSpace, spaceRemedy, spaceText } from '../../clickhouse/disks.ts';
import { originscopeCommand } from '../../core/program.ts';
import { copyableCommand } from '../../core/shell-command.ts';
import { cleaned } from '../../core/text.ts';
import { REASON_TEXTS } from '../../explain/reasons/remedies.ts';
import type { Difference } from '../../reports/nearest-origin.ts';
import type { BlockedCallGroup, ReasonCount, Report, ServiceReport } from '../../reports/report.ts';
import type { OriginCount } from '../../reports/report-queries.ts';
import { instrumentationInstall } from '../program.ts';
import { runnableHints } from './hints.ts';
import { type PageOptions, type Paint, paintFor, readableWidth, visibleLength, wrapped } from './terminal.ts';

/** What is shown of a service when there are several. */
const SHOWN = { origins: 5, blockedCalls: 3 } as const;
const ALL = { origins: Number.POSITIVE_INFINITY, blockedCalls: Number.POSITIVE_INFINITY } as const;

interface Page {
  readonly width: number;
  readonly paint: Paint;
  /** A time in the window, as short as it stays clear. */
  readonly time: (rfc3339: string) => string;
  readonly shown: typeof SHOWN | typeof ALL;
}

/** The part of the page that is about one service. */
interface Section extends Page {
  /** A count, marked where it is not exact. */
  readonly count: (decisions: number) => string;
}

const section = (page: Page, { sampled, estimated }: ServiceReport): Section => {
  const mark = sampled > 0 ? '≥ ' : estimated > 0 ? '≈ ' : '';
  return { ...page, count: (decisions) => mark + count(decisions) };
};

/** The report as a page for people. */
export function renderReport(report: Report, options: PageOptions): string {
  const page: Page = {
    width: readableWidth(options),
    paint: paintFor(options),
    time: shortTime(report),
    shown: report.services.length === 1 ? ALL : SHOWN,
  };
  const { paint } = page;
  const until = report.until.slice(0, 10) === report.since.slice(0, 10) ? 11 : 0;
  const title = `CORS decisions, ${report.since.slice(0, 16).replace('T', ' ')} to ${report.until.slice(until, 16).replace('T', ' ')} UTC`;
  const space = (report.disks ?? []).map((disk) => renderDisk(disk, page)).join('\n');
  const troubles = report.troubles
    .slice(0, SHOWN_TROUBLES)
    .map((text) => renderTrouble(text, page))
    .join('\n');
  if (report.services.length === 0) {
    const parts = [paint('bold', title), whatNext(report, page), space, troubles];
    return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
  }
  const parts = [
    paint('bold', title),
    overview(report.services, page),
    ...report.services.map((service) => renderService(service, page)),
  ];
  if (report.furtherServices > 0) {
    parts.push(`${count(report.furtherServices)} more services: --all shows them, --service one of them.`);
  }
  if (space !== '') parts.push(space);
  if (troubles !== '') parts.push(troubles);
  return `${parts.join('\n\n')}\n`;
}

/** The newest ones; all of them with --json. */
const SHOWN_TROUBLES = 5;

function renderTrouble(text: string, { paint, width }: Page): string {
  return wrapped(
    '',
    '  ',
    `${paint('red', '!')} ${runnableHints(cleaned(text)).replace(/[. ]+$/, '')}.`,
    width,
  );
}

function renderDisk(disk: DiskSpace, { paint, width }: Page): string {
  const text = `Disk ${cleaned(disk.name)}: ${spaceText(disk)}`;
  if (!disk.low) return paint('dim', text);
  return wrapped('', '  ', `${paint('red', text)}. ${cleaned(spaceRemedy(disk))} before it is full.`, width);
}

function whatNext({ service }: Report, { paint }: Page): string {
  if (service !== undefined) {
    return `No decisions of ${cleaned(service)} in this time. Without --service the report shows which services there are.`;
  }
  return [
    'No decisions in this time. To get some:',
    `  1. ${paint('bold', originscopeCommand(['up']))} takes them; leave it running`,
    `  2. in the folder of a service: ${paint('bold', instrumentationInstall(dirname(import.meta.dirname)))}`,
    `  3. start it with ${paint('bold', 'node --import @originscope/instrumentation-cors/register app.js')}`,
    '  4. open a page of another origin that calls it, and look here again',
    'Or look further back with --since 7d.',
  ].join('\n');
}

function overview(services: readonly ServiceReport[], page: Page): string {
  const { paint } = page;
  const rows = services.map((service) => {
    const part = section(page, service);
    return [
      paint('bold', cleaned(service.service)),
      part.count(service.decisions),
      part.count(service.allowed),
      service.blocked > 0 ? paint('red', part.count(service.blocked)) : '–',
      service.unknown > 0 ? paint('yellow', part.count(service.unknown)) : '–',
      count(service.origins),
      received(service, paint),
    ];
  });
  const head = ['service', 'decisions', 'allowed', 'blocked', 'unknown', 'origins', 'received'];
  return table(head, rows, page);
}

/** Rounded down: 100 % is said only of what is complete. */
function received({ completeness }: ServiceReport, paint: Paint): string {
  if (completeness === undefined) return '–';
  const share = Math.floor((completeness.received / completeness.observed) * 1000) / 10;
  return share >= 100 ? '100 %' : paint('red', `${share.toFixed(1)} %`);
}

function renderService(service: ServiceReport, all: Page): string {
  const page = section(all, service);
  const { paint, width, shown } = page;
  const name = cleaned(service.service);
  const parts = [paint('bold', `── ${name} ${'─'.repeat(Math.max(0, width - name.length - 4))}`)];
  const facts = [counting(service), preflights(service, page), unknown(service, page)].filter(
    (fact) => fact !== '',
  );
  if (facts.length > 0) parts.push(facts.map((fact) => wrapped('  ', '    ', fact, page.width)).join('\n'));
  const listedOrigins = service.topOrigins.slice(0, shown.origins);
  const moreOrigins = service.topOrigins.length + service.furtherOrigins - listedOrigins.length;
  parts.push(origins(listedOrigins, moreText(moreOrigins, 'origin', service), page));
  const { topBlocked, furtherBlocked, topUnknown, furtherUnknown } = service;
  parts.push(...calls('Blocked by browsers', topBlocked, furtherBlocked, service, page));
  parts.push(...calls('Verdict unknown', topUnknown, furtherUnknown, service, page));
  return parts.join('\n\n');
}

/** A list of calls with its title; nothing of an empty one. */
function calls(
  title: string,
  listed: readonly BlockedCallGroup[],
  further: number,
  service: ServiceReport,
  page: Section,
): string[] {
  if (listed.length === 0) return [];
  const shown = listed.slice(0, page.shown.blockedCalls);
  const more = moreText(listed.length + further - shown.length, 'kind of call', service);
  return [
    `  ${page.paint('bold', title)}`,
    shown.map((call) => renderBlockedCall(call, page)).join('\n\n'),
    ...(more === '' ? [] : [page.paint('dim', `  ${more}`)]),
  ];
}

/** How many rows are left out, and the command that shows them. */
function moreText(more: number, noun: string, { service }: ServiceReport): string {
  if (more <= 0) return '';
  const plural = noun === 'kind of call' ? 'kinds of calls' : `${noun}s`;
  return `… and ${count(more)} more ${more === 1 ? noun : plural}: ${howToSeeAll(service)}`;
}

/** A name that a terminal shall not show as it is cannot be copied from it either. */
function howToSeeAll(service: string): string {
  const command = originscopeCommand(['report', '--service', service, '--all']);
  return copyableCommand(command) ?? 'report this service with --service and --all';
}

function counting({ sampled, estimated, behindGateway }: ServiceReport): string {
  const facts: string[] = [];
  if (sampled > 0) facts.push('at least: lower bounds, the sampling ratio of its spans is unknown');
  else if (estimated > 0) facts.push('about: counted up from sampled spans');
  if (behindGateway > 0) facts.push(`${count(behindGateway)} of these were also seen by a gateway`);
  return facts.join('; ');
}

function preflights({ preflights, failedPreflights }: ServiceReport, { count }: Section): string {
  if (preflights === 0) return '';
  const failed = failedPreflights.reduce((sum, { decisions }) => sum + decisions, 0);
  if (failed === 0) return `${count(preflights)} preflights, none failed`;
  return `${count(preflights)} preflights, ${count(failed)} failed: ${byReason(failedPreflights, count)}`;
}

function unknown({ unknown, unknownReasons }: ServiceReport, { count }: Section): string {
  return unknown === 0 ? '' : `${count(unknown)} unknown: ${byReason(unknownReasons, count)}`;
}

function byReason(reasons: readonly ReasonCount[], count: Section['count']): string {
  return reasons
    .map(({ reason, decisions }) => {
      const { title } = REASON_TEXTS[reason];
      return reasons.length === 1 ? title : `${title} (${count(decisions)})`;
    })
    .join(', ');
}

function origins(top: readonly OriginCount[], more: string, page: Section): string {
  const { paint, time } = page;
  const rows = top.map((origin) => [
    cleaned(origin.origin || '(none)'),
    origin.allowed > 0 ? page.count(origin.allowed) : '–',
    origin.blocked > 0 ? paint('red', page.count(origin.blocked)) : '–',
    origin.unknown > 0 ? paint('yellow', page.count(origin.unknown)) : '–',
    time(origin.firstSeen),
    time(origin.lastSeen),
  ]);
  const head = ['origin', 'allowed', 'blocked', 'unknown', 'first seen', 'last seen'];
  return table(head, rows, page) + (more === '' ? '' : `\n${paint('dim', `  ${more}`)}`);
}

function renderBlockedCall(call: BlockedCallGroup, page: Section): string {
  const { paint, time, count } = page;
  const { reason, detail, nearest, exampleTraceId } = call;
  const token = detail === '' ? '' : `: ${cleaned(detail)}`;
  const lines = [
    `${paint('red', `${count(call.decisions)} ×`)} ${paint('bold', cleaned(call.origin || '(no origin)'))} · ${cleaned(request(call))}`,
    `${REASON_TEXTS[reason].title}${token} ${paint('dim', `(${reason})`)}`,
    `${paint('green', '→')} ${cleaned(call.remedy)}`,
  ];
  // A slash is told of by the remedy.
  if (nearest !== undefined && nearest.difference !== 'slash') {
    const { origin, difference } = nearest;
    lines.push(
      `${paint('cyan', '≈')} like ${cleaned(origin)}, which is allowed; ${DIFFERENCE_TEXTS[difference]}`,
    );
  }
  const trace = exampleTraceId === '' ? '' : `, trace ${cleaned(exampleTraceId)}`;
  lines.push(paint('dim', `${seen(call, time)}${trace}`));
  return lines
    .map((line, index) => wrapped(index === 0 ? '  ' : '      ', '        ', line, page.width))
    .join('\n');
}

const DIFFERENCE_TEXTS = {
  slash: 'the slash at the end differs',
  case: 'capital letters differ',
  scheme: 'the scheme differs',
  port: 'the port differs',
  subdomain: 'the subdomain differs',
  spelling: 'one or two letters differ',
} as const satisfies Record<Difference, string>;

function request({ kind, method, route, examplePath, requestedHeaders }: BlockedCallGroup): string {
  if (kind !== 'preflight') return `${method} ${route || examplePath}`.trim();
  // The route of a preflight is that of whatever answered OPTIONS.
  const call = `${method} ${examplePath || route}`.trim();
  const asking = requestedHeaders.length > 0 ? ` with ${requestedHeaders.join(', ')}` : '';
  return `preflight for ${call}${asking}`;
}

function seen({ firstSeen, lastSeen }: BlockedCallGroup, time: Page['time']): string {
  const [first, last] = [time(firstSeen), time(lastSeen)];
  return first === last ? `seen ${first}` : `first seen ${first}, last ${last}`;
}

/** The time of day alone on the window's last day. */
function shortTime({ until }: Report): Page['time'] {
  const lastDay = new Date(Date.parse(until) - 1).toISOString().slice(0, 10);
  return (rfc3339) => rfc3339.slice(rfc3339.startsWith(lastDay) ? 11 : 5, 16).replace('T', ' ');
}

function count(number: number): string {
  return number.toLocaleString('en');
}

const NO_LINES = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right', 'left']
    .concat(['left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'])
    .map((line) => [line, '']),
);

/** Columns without lines; all but the first are numbers or times, and the first gives way where it is narrow. */
function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { paint, width }: Page,
): string {
  const styled = head.map((title) => paint('dim', title));
  const columns = head.map((title, index) =>
    Math.max(title.length, ...rows.map((row) => visibleLength(row[index] ?? ''))),
  );
  const others = columns.slice(1).reduce((sum, column) => sum + column + GAP, 0);
  const first = Math.max(10, Math.min(columns[0] ?? 0, width - others - INDENT));
  const rendered = new Table({
    head: styled,
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
    colWidths: [first, ...columns.slice(1).map((column) => column + GAP)],
    colAligns: head.map((_, index) => (index === 0 ? 'left' : 'right')),
  });
  for (const [name = '', ...values] of rows) rendered.push([shortened(name, first), ...values]);
  return rendered
    .toString()
    .split('\n')
    .map((line) => `  ${line.trimEnd()}`)
    .join('\n');
}

/** Cut in the middle: origins differ at their ends, ports included. */
function shortened(text: string, width: number): string {
  const excess = visibleLength(text) - width;
  // Text with colours is not cut here.
  if (excess <= 0 || visibleLength(text) !== text.length) return text;
  const kept = width - 1;
  const end = Math.floor(kept / 2);
  return `${text.slice(0, kept - end)}…${text.slice(text.length - end)}`;
}

const GAP = 2;
const INDENT = 2;

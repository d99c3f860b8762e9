import { copyableCommand } from '../../core/shell-command.ts';
import { BEHAVIOURS } from '../../explain/browser-behaviour.ts';
import { BROWSER_NAMES } from '../../explain/browsers.ts';
import { durationText } from '../../explain/duration-text.ts';
import type {
  ComparedExplanation,
  DifferentOutcome,
  ExplainedDecision,
  ExplainedReason,
  Explanation,
} from '../../explain/explanation.ts';
import { type UncachedInFirefox, whyUncachedInFirefox } from '../../explain/preflight-cache.ts';
import { NOTE_TEXTS } from '../../explain/reasons/note-texts.ts';
import {
  isOtherFailure,
  OTHER_FAILURES,
  remedyOfOtherFailure,
} from '../../explain/reasons/other-failures.ts';
import { REASON_CAUSES } from '../../explain/reasons/reason-causes.ts';
import { REASON_TEXTS } from '../../explain/reasons/remedies.ts';
import { STANDARD_STEPS } from '../../explain/reasons/standard-steps.ts';
import { probeOfRecorded } from '../../explain/recorded-probe.ts';
import type { RecordedExchange, RecordedRequest } from '../../explain/recordings/recorded-request.ts';
import { cleanText } from '../../instrumentation/src/fetch-standard/clean-text.ts';
import {
  type Decision,
  type HeaderList,
  isCorsKind,
  type Reason,
  type Verdict,
} from '../../instrumentation/src/fetch-standard/decision.ts';
import { type PageOptions, type Paint, paintFor, readableWidth, wrapped } from './terminal.ts';

const COLORS: Record<Verdict, 'green' | 'red' | 'yellow'> = {
  allowed: 'green',
  blocked: 'red',
  unknown: 'yellow',
};

/** What the browser asked, what the server answered, the step that failed, and what to change: a page for people. */
export function renderExplanation(
  recorded: RecordedRequest,
  explanation: ComparedExplanation,
  options: PageOptions,
): string {
  const paint = paintFor(options);
  const parts = [
    renderHeading(recorded, explanation, options),
    ...recorded.exchanges.map((exchange, i) => {
      const decision = explanation.decisions[i];
      const isUnsent = explanation.verdict === 'blocked' && i > (explanation.decidedBy ?? i);
      return decision === undefined ? '' : renderExchange(i, exchange, decision, isUnsent, paint);
    }),
  ];
  if (explanation.reason !== '')
    parts.push(renderReason(recorded, explanation, explanation.reason, options, paint));
  if (explanation.differences.length > 0) parts.push(renderDifferences(explanation, options, paint));
  if (explanation.notes.length > 0) {
    parts.push(
      explanation.notes
        .map((note) => wrappedUnder('  note    ', `${paint('yellow', note)}: ${NOTE_TEXTS[note]}`, options))
        .join('\n'),
    );
  }
  return `${parts.join('\n\n')}\n`;
}

/** One line for a request. */
export function renderHeading(
  { exchanges, origin }: RecordedRequest,
  { id, browser, verdict, decisions, differences }: ComparedExplanation,
  options: PageOptions,
): string {
  const paint = paintFor(options);
  const asked = exchanges.find((_, i) => decisions[i]?.kind !== 'preflight') ?? exchanges[0];
  const method = decisions[0]?.requestMethod ?? '';
  const from = decisions.find((decision) => decision.origin !== '')?.origin ?? origin;
  const words = [
    paint(['bold', COLORS[verdict]], verdict),
    paint('bold', asked === undefined ? 'nothing was recorded' : `${method} ${escaped(asked.request.url)}`),
  ];
  if (from !== undefined) words.push(`from ${escaped(from)}`);
  if (differences.length > 0) words.push(`in ${BROWSER_NAMES[browser]}`);
  if (id !== undefined) words.push(paint('dim', `(${escaped(String(id))})`));
  return words.join('  ');
}

function renderExchange(
  index: number,
  exchange: RecordedExchange,
  decision: ExplainedDecision,
  isUnsent: boolean,
  paint: Paint,
): string {
  const { request, response } = exchange;
  if (isUnsent && response.status === undefined) {
    return `  ${index + 1}. ${paint('bold', 'never sent')}  ${escaped(request.method)} ${escaped(request.url)}`;
  }
  const verdict =
    decision.verdict === 'allowed' ? '' : `  ${paint(COLORS[decision.verdict], decision.verdict)}`;
  const title = `  ${index + 1}. ${paint('bold', KIND_TITLES[decision.kind])}  ${escaped(request.method)} ${escaped(request.url)}${verdict}`;
  const status = response.status === undefined ? 'no answer was recorded' : String(response.status);
  return [
    title,
    ...headerLines('the browser asked    ', request.headers, isAskingHeader),
    ...headerLines('the server answered  ', response.headers, isAnsweringHeader, status),
    ...(response.stored === undefined
      ? []
      : headerLines('it had stored        ', response.stored, isAnsweringHeader)),
    ...cacheLines(decision, exchange),
  ].join('\n');
}

/** How long the preflight is cached. */
function cacheLines(decision: ExplainedDecision, exchange: RecordedExchange): readonly string[] {
  const seconds = decision.preflightCacheSeconds;
  if (seconds === undefined) return [];
  const { chrome, firefox, safari } = seconds;
  const times = `Chrome ${durationText(chrome)}, Firefox ${durationText(firefox)}, Safari ${durationText(safari)}`;
  const reason = firefox === chrome ? undefined : whyUncachedInFirefox(decision, exchange);
  return [
    `     browsers keep it     ${times}`,
    ...(reason === undefined ? [] : [`${' '.repeat(26)}(${UNCACHED_IN_FIREFOX[reason]})`]),
  ];
}

const UNCACHED_IN_FIREFOX: Readonly<Record<UncachedInFirefox, string>> = {
  max_age_no_number: 'Firefox: the Access-Control-Max-Age has more than digits',
  wildcard: 'Firefox: a method or header is allowed by "*" alone',
};

const KIND_TITLES: Record<Decision['kind'], string> = {
  preflight: 'preflight',
  actual: 'CORS request',
  same_origin: 'same-origin request',
  no_cors: 'request without CORS',
  navigation: 'navigation',
  websocket: 'WebSocket',
  ambiguous: 'perhaps a CORS request',
};

function isAskingHeader(name: string): boolean {
  return name === 'origin' || name.startsWith('access-control-request-') || FETCH_METADATA.has(name);
}

const FETCH_METADATA: ReadonlySet<string> = new Set(['sec-fetch-mode', 'sec-fetch-site']);

function isAnsweringHeader(name: string): boolean {
  return name.startsWith('access-control-') || name === 'vary' || name === 'location';
}

function headerLines(
  title: string,
  headers: HeaderList | undefined,
  isShown: (lowerCaseName: string) => boolean,
  first?: string,
): readonly string[] {
  const shown = (headers ?? [])
    .filter(([name]) => isShown(name.toLowerCase()))
    .map(([name, value]) => `${escaped(name)}: ${escaped(value)}`);
  const lines = first === undefined ? shown : [first, ...shown];
  if (headers === undefined) lines.push('(headers were not recorded)');
  else if (shown.length === 0) lines.push('(no CORS headers)');
  return lines.map((line, i) => `     ${i === 0 ? title : ' '.repeat(title.length)}${line}`);
}

/** The browsers that do something else, and why. */
function renderDifferences(
  { differences, behaviours }: ComparedExplanation,
  options: PageOptions,
  paint: Paint,
): string {
  const texts = differences.map((one) => `${BROWSER_NAMES[one.browser]}: ${outcomeText(one, paint)}.`);
  return [
    wrappedUnder('  but     ', texts.join(' '), options),
    ...behaviours.map((behaviour) => wrappedUnder('          ', BEHAVIOURS[behaviour], options)),
  ].join('\n');
}

function outcomeText({ verdict, reason, detail }: DifferentOutcome, paint: Paint): string {
  const colored = paint(COLORS[verdict], verdict);
  return reason === '' ? colored : `${colored}, ${reasonLine({ reason, detail }, verdict, paint)}`;
}

function renderReason(
  recorded: RecordedRequest,
  explanation: Explanation,
  reason: ExplainedReason,
  options: PageOptions,
  paint: Paint,
): string {
  const { verdict, decidedBy, decisions, detail } = explanation;
  const why = wrappedUnder('  why     ', reasonLine({ reason, detail }, verdict, paint), options);
  const ask = askLine(recorded, explanation);
  if (isOtherFailure(reason)) {
    const { cause } = OTHER_FAILURES[reason];
    const change = wrappedUnder('  change  ', remedyOfOtherFailure(reason, detail), options);
    return [why, wrappedUnder('  means   ', cause, options), change, ...ask].join('\n');
  }
  const decision = decidedBy === null ? undefined : decisions[decidedBy];
  const exchange = decidedBy === null ? undefined : recorded.exchanges[decidedBy];
  const step = STANDARD_STEPS[reason];
  const lines = [
    why,
    wrappedUnder('  means   ', REASON_CAUSES[reason], options),
    wrappedUnder('  step    ', `${step.name} ${paint('dim', step.url)}`, options),
  ];
  if (decision !== undefined) {
    lines.push(wrappedUnder('  change  ', remedyOf(reason, decision, exchange), options), ...ask);
    const other = decision.withCredentials;
    if (other !== undefined) {
      const included: Decision = { ...decision, ...other, credentials: 'included' };
      lines.push(
        wrappedUnder('  or      ', `with credentials, ${reasonLine(other, verdict, paint)}`, options),
        wrappedUnder('  change  ', remedyOf(other.reason, included, exchange), options),
      );
    }
  }
  return lines.join('\n');
}

/** The command that finds out what the recording does not say; none where it says all. */
export function askLine(recorded: RecordedRequest, explanation: Explanation): readonly string[] {
  const { reason } = explanation;
  if (reason !== 'headers_not_captured' && reason !== 'network_failure') return [];
  const probe = probeOfRecorded(recorded, explanation);
  return probe === undefined ? [] : [`  ask     ${copyableCommand(probe) ?? NOT_COPYABLE}`];
}

/** A reason in words, with its failing token. Tokens in parentheses are descriptions. */
export function reasonLine(
  { reason, detail }: { readonly reason: ExplainedReason; readonly detail: string },
  verdict: Verdict,
  paint: Paint,
): string {
  const token = detail === '' ? '' : detail.startsWith('(') ? ` ${detail}` : ` (${detail})`;
  const { title } = isOtherFailure(reason) ? OTHER_FAILURES[reason] : REASON_TEXTS[reason];
  return `${paint(COLORS[verdict], reason)}: ${title}${escaped(token)}`;
}

export function remedyOf(reason: Reason, decision: Decision, exchange: RecordedExchange | undefined): string {
  if (reason === 'headers_not_captured' && exchange !== undefined) return NOT_RECORDED;
  const { kind, origin, detail, requestMethod, requestHeaders, credentials, allowCredentials } = decision;
  const remedy = REASON_TEXTS[reason].remedy({
    origin,
    kind: isCorsKind(kind) ? kind : 'actual',
    reason,
    detail,
    method: requestMethod,
    requestedHeaders: requestHeaders,
    statusCode: exchange?.response.status ?? 0,
  });
  const needsCredentials =
    ALLOW_ORIGIN_REASONS.has(reason) && credentials === 'included' && !allowCredentials;
  return needsCredentials
    ? `${remedy} It has credentials: send "Access-Control-Allow-Credentials: true", too.`
    : remedy;
}

/** Browsers leave out of a HAR what they did not let the page see. */
const NOT_RECORDED = 'The recording does not say what was answered. Ask the server itself.';

export const NOT_COPYABLE = '(not shown: it has control characters, or is too long to be pasted)';

const ALLOW_ORIGIN_REASONS: ReadonlySet<Reason> = new Set([
  'acao_missing',
  'acao_multiple',
  'acao_invalid',
  'acao_mismatch',
]);

/** Foreign text with everything but printable ASCII escaped: look-alike and invisible characters decide here. */
function escaped(text: string): string {
  return cleanText(text, 512);
}

/** Words under a title of their own. */
export function wrappedUnder(title: string, text: string, options: PageOptions): string {
  return wrapped(title, ' '.repeat(title.length), text, readableWidth(options));
}

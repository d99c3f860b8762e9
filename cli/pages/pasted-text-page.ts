import { copyableCommand } from '../../core/shell-command.ts';
import { BROWSER_NAMES } from '../../explain/browsers.ts';
import { probeCommand } from '../../explain/probe-command.ts';
import { type FoundFailure, findFailures, isWithoutReason } from '../../explain/reasons/find-failures.ts';
import { findMessages } from '../../explain/reasons/find-messages.ts';
import type { FoundMessage } from '../../explain/reasons/found-message.ts';
import { type MessageProbe, probeOfMessage } from '../../explain/reasons/message-probe.ts';
import { OTHER_FAILURES, remedyOfOtherFailure } from '../../explain/reasons/other-failures.ts';
import { REASON_CAUSES } from '../../explain/reasons/reason-causes.ts';
import { REASON_TEXTS } from '../../explain/reasons/remedies.ts';
import { STANDARD_STEPS } from '../../explain/reasons/standard-steps.ts';
import { type CopiedRequest, readCopiedRequest } from '../../explain/recordings/copied-request.ts';
import { cleanText } from '../../instrumentation/src/fetch-standard/clean-text.ts';
import type { Verdict } from '../../instrumentation/src/fetch-standard/decision.ts';
import { NOT_COPYABLE, reasonLine, wrappedUnder } from './explanation-page.ts';
import { type PageOptions, paintFor } from './terminal.ts';

/** A message about CORS with what to do. */
export type ExplainedMessage = FoundMessage & {
  readonly change: string;
  readonly probe: string;
  /** What the message does not say about the probe. */
  readonly hints: readonly string[];
};

/** What a pasted text is. */
export type TextExplanation =
  | {
      readonly kind: 'messages';
      readonly messages: readonly ExplainedMessage[];
      /** Messages that are not about CORS. */
      readonly failures: readonly (FoundFailure & { readonly verdict: Verdict; readonly change: string })[];
    }
  | { readonly kind: 'request'; readonly request: CopiedRequest; readonly probe: string }
  /** A request failed, and the text does not say why. */
  | { readonly kind: 'failure' }
  | { readonly kind: 'nothing' };

/** Understands console messages, and requests copied from DevTools. Pure. */
export function explainText(text: string): TextExplanation {
  const request = readCopiedRequest(text);
  if (request !== undefined) return { kind: 'request', request, probe: probeCommand(request) };
  const messages = findMessages(text).map((message) => {
    const { command, hints }: MessageProbe = probeOfMessage(message);
    return { ...message, change: changeFor(message), probe: command, hints };
  });
  const failures = findFailures(text).map((one) => ({
    ...one,
    verdict: OTHER_FAILURES[one.failure].verdict,
    change: remedyOfOtherFailure(one.failure, one.detail),
  }));
  if (messages.length > 0 || failures.length > 0) return { kind: 'messages', messages, failures };
  return { kind: isWithoutReason(text) ? 'failure' : 'nothing' };
}

/** The verdict about the request of a text: the worst of several. */
export function verdictOfText(explained: TextExplanation): Verdict {
  if (explained.kind !== 'messages') return 'unknown';
  const { messages, failures } = explained;
  return messages.length > 0 || failures.some(({ verdict }) => verdict === 'blocked') ? 'blocked' : 'unknown';
}

function changeFor(message: FoundMessage): string {
  const { reasons, detail, isDetailKnown, ofPreflight, status } = message;
  const [reason] = reasons;
  return REASON_TEXTS[reason].remedy({
    origin: sentOrigin(message) ?? 'ORIGIN',
    kind: ofPreflight ? 'preflight' : 'actual',
    reason,
    detail: cleanText(detail),
    isDetailKnown,
    method: reason === 'method_not_allowed' ? cleanText(detail) : '',
    requestedHeaders: reason === 'header_not_allowed' ? [cleanText(detail)] : [],
    statusCode: status ?? 0,
  });
}

/** The Origin of the request: after a redirect between foreign origins it is not the page's. */
function sentOrigin({ url, firstUrl, origin }: FoundMessage): string | undefined {
  if (firstUrl === undefined || origin === undefined || url === undefined) return origin;
  if (!URL.canParse(firstUrl) || !URL.canParse(url)) return origin;
  const first = new URL(firstUrl).origin;
  return first !== origin && first !== new URL(url).origin ? 'null' : origin;
}

/** A page for people. */
export function renderText(explained: TextExplanation, options: PageOptions): string {
  if (explained.kind === 'messages') {
    const parts = [
      ...explained.messages.map((message) => renderMessage(message, options)),
      ...explained.failures.map((failure) => renderFailure(failure, options)),
    ];
    return `${parts.join('\n\n')}\n`;
  }
  if (explained.kind === 'request') return renderRequest(explained.request, explained.probe, options);
  if (explained.kind === 'failure') {
    return `${wrappedUnder('', 'The request failed, and this message does not say why. Look for the one above it that names a header; without one there was no answer at all: the server was not reached, its certificate not accepted, or the page (Content-Security-Policy, mixed content, an extension) did not let the request out.', options)}\n`;
  }
  return `${wrappedUnder('', 'This is no HAR, no JSON lines, no message of Chrome, Firefox or Safari about a failed request, and no request copied as cURL or fetch.', options)}\n`;
}

function renderMessage(message: ExplainedMessage, options: PageOptions): string {
  const { browser, reasons, url, origin, detail, ofPreflight, change, probe, hints } = message;
  const paint = paintFor(options);
  const [reason] = reasons;
  const step = STANDARD_STEPS[reason];
  const lines = [
    `${paint(['bold', 'red'], 'blocked')}  ${paint('bold', cleanText(url ?? 'a request', 512))}${origin === undefined ? '' : `  from ${cleanText(origin)}`}  ${paint('dim', `(${BROWSER_NAMES[browser]})`)}`,
    '',
    wrappedUnder('  why     ', reasonLine({ reason, detail: cleanText(detail) }, 'blocked', paint), options),
  ];
  if (reasons.length > 1) {
    const others = reasons.slice(1);
    const last = others.pop();
    const names = others.length === 0 ? last : `${others.join(', ')} and ${last}`;
    lines.push(wrappedUnder('          ', `${BROWSER_NAMES[browser]} says the same of ${names}.`, options));
  }
  lines.push(
    wrappedUnder('  means   ', REASON_CAUSES[reason], options),
    wrappedUnder('  step    ', `${step.name} ${paint('dim', step.url)}`, options),
    wrappedUnder('  look at ', whereToLook(ofPreflight), options),
    wrappedUnder('  change  ', change, options),
    `  ask     ${copyableCommand(probe) ?? NOT_COPYABLE}`,
    ...hints.map((hint) => wrappedUnder('          ', hint, options)),
  );
  return lines.join('\n');
}

function renderFailure(
  { failure, url, detail, verdict, change }: FoundFailure & { verdict: Verdict; change: string },
  options: PageOptions,
): string {
  const paint = paintFor(options);
  const word =
    verdict === 'blocked' ? paint(['bold', 'red'], 'blocked') : paint(['bold', 'yellow'], 'failed');
  return [
    `${word}  ${paint('bold', cleanText(url ?? 'a request', 512))}  ${paint('dim', '(not by CORS)')}`,
    '',
    wrappedUnder(
      '  why     ',
      reasonLine({ reason: failure, detail: cleanText(detail) }, verdict, paint),
      options,
    ),
    wrappedUnder('  means   ', OTHER_FAILURES[failure].cause, options),
    wrappedUnder('  change  ', change, options),
  ].join('\n');
}

function whereToLook(ofPreflight: boolean): string {
  return ofPreflight
    ? 'the preflight: the OPTIONS entry of the network panel (in Chrome of type "preflight"). Its answer decides, the request itself was never sent.'
    : 'the request itself in the network panel, and after redirects its last entry: what the server answered there decides.';
}

function renderRequest(
  { pageOrigin, headers = [] }: CopiedRequest,
  probe: string,
  options: PageOptions,
): string {
  const lines = [
    'To ask the server what a browser would do with this request:',
    '',
    `  ${copyableCommand(probe) ?? NOT_COPYABLE}`,
    '',
  ];
  if (pageOrigin === undefined) {
    lines.push(
      wrappedUnder('', 'It does not say which page asked: put its origin in the place of ORIGIN.', options),
    );
  }
  if (headers.some(([name]) => name.toLowerCase() === 'authorization')) {
    lines.push(
      wrappedUnder('', 'The command holds the Authorization of the request: do not pass it on.', options),
    );
  }
  lines.push(
    wrappedUnder(
      '',
      'Methods other than GET and HEAD stop after the preflight, unless --send is added.',
      options,
    ),
  );
  return `${lines.join('\n')}\n`;
}

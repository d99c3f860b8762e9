import { copyableCommand } from '../../core/shell-command.ts';
import { probeCommand } from '../../explain/probe-command.ts';
import { type FoundMessage, findMessages, isWithoutReason } from '../../explain/reasons/find-messages.ts';
import { REASON_CAUSES } from '../../explain/reasons/reason-causes.ts';
import { REASON_TEXTS } from '../../explain/reasons/remedies.ts';
import { STANDARD_STEPS } from '../../explain/reasons/standard-steps.ts';
import { type CopiedRequest, readCopiedRequest } from '../../explain/recordings/copied-request.ts';
import { cleanText } from '../../instrumentation/src/fetch-standard/clean-text.ts';
import { NOT_COPYABLE, wrappedUnder } from './explanation-page.ts';
import { type PageOptions, paintFor } from './terminal.ts';

/** What a pasted text is. */
export type TextExplanation =
  | { readonly kind: 'messages'; readonly messages: readonly (FoundMessage & { readonly probe: string })[] }
  | { readonly kind: 'request'; readonly request: CopiedRequest; readonly probe: string }
  /** A request failed, and the text does not say why. */
  | { readonly kind: 'failure' }
  | { readonly kind: 'nothing' };

/** Understands console messages, and requests copied from DevTools. Pure. */
export function explainText(text: string): TextExplanation {
  const request = readCopiedRequest(text);
  if (request !== undefined) return { kind: 'request', request, probe: probeCommand(request) };
  const messages = findMessages(text).map((message) => ({ ...message, probe: probeFor(message) }));
  if (messages.length > 0) return { kind: 'messages', messages };
  return { kind: isWithoutReason(text) ? 'failure' : 'nothing' };
}

function probeFor({ url, origin, reasons, detail }: FoundMessage): string {
  const [reason] = reasons;
  return probeCommand({
    url: url ?? 'URL',
    origin: origin ?? 'ORIGIN',
    ...(reason === 'method_not_allowed' && { method: detail || 'METHOD' }),
    ...(reason === 'header_not_allowed' && { headers: [[detail, '1']] as const }),
    ...((reason === 'acao_wildcard_with_credentials' || reason === 'acac_not_true') && { credentials: true }),
  });
}

/** A page for people. */
export function renderText(explained: TextExplanation, options: PageOptions): string {
  if (explained.kind === 'messages') {
    return `${explained.messages.map((message) => renderMessage(message, options)).join('\n\n')}\n`;
  }
  if (explained.kind === 'request') return renderRequest(explained.request, explained.probe, options);
  if (explained.kind === 'failure') {
    return `${wrappedUnder('', 'The request failed, and this message does not say why. Look for the one above it that names a header; without one there was no answer at all: the server was not reached, its certificate not accepted, or the page (Content-Security-Policy, mixed content, an extension) did not let the request out.', options)}\n`;
  }
  return `${wrappedUnder('', 'This is no HAR, no JSON lines, no message of Chrome, Firefox or Safari about CORS, and no request copied as cURL or fetch.', options)}\n`;
}

function renderMessage(message: FoundMessage & { readonly probe: string }, options: PageOptions): string {
  const { browser, reasons, url, origin, detail, ofPreflight, probe } = message;
  const paint = paintFor(options);
  const [reason] = reasons;
  const lines = [
    `${paint(['bold', 'red'], 'blocked')}  ${paint('bold', cleanText(url ?? 'a request', 512))}${origin === undefined ? '' : `  from ${cleanText(origin)}`}  ${paint('dim', `(${browser})`)}`,
    '',
    wrappedUnder(
      '  why     ',
      `${paint('red', reason)}: ${REASON_TEXTS[reason].title}${detail === '' ? '' : ` (${cleanText(detail)})`}`,
      options,
    ),
  ];
  if (reasons.length > 1) {
    lines.push(
      wrappedUnder('          ', `${browser} says the same of ${reasons.slice(1).join(' and ')}.`, options),
    );
  }
  lines.push(
    wrappedUnder('  means   ', REASON_CAUSES[reason], options),
    wrappedUnder(
      '  step    ',
      `${STANDARD_STEPS[reason].name} ${paint('dim', STANDARD_STEPS[reason].url)}`,
      options,
    ),
    wrappedUnder('  look at ', whereToLook(ofPreflight), options),
    `  ask     ${copyableCommand(probe) ?? NOT_COPYABLE}`,
  );
  return lines.join('\n');
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

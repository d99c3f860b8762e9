import { mismatchReason } from '../../instrumentation/src/fetch-standard/cors-check.ts';
import { CONSOLE_MESSAGES, PREFLIGHT } from './console-messages.ts';
import type { FoundMessage } from './found-message.ts';
import { readTranslated } from './translated-messages.ts';

/** All messages in the text that identify a reason, in order of lines, without duplicates. */
export function findMessages(text: string): readonly FoundMessage[] {
  const found = new Map<string, FoundMessage>();
  const lines = text.split('\n');
  for (const line of lines) {
    const message = matchLine(withStraightQuotes(line)) ?? readTranslated(line);
    if (message !== undefined) found.set(JSON.stringify(message), message);
  }
  // Safari reports the URL in a separate line.
  const url = lines.map(urlOfSafari).find((one) => one !== undefined);
  const failed = lines.flatMap((line) => urlOfFailure(line) ?? []);
  const messages = [...found.values()].map((message) =>
    withFollowing(message.url === undefined ? { ...message, url } : message, failed),
  );
  // Firefox reports a preflight whose redirect it refused once more.
  const redirected = new Set(
    messages.flatMap((one) => (one.reasons[0] === 'preflight_redirect' ? [one.url] : [])),
  );
  return messages.filter(
    ({ browser, reasons, url }) =>
      browser !== 'firefox' || reasons[0] !== 'preflight_status_not_ok' || !redirected.has(url),
  );
}

/**
 * Firefox reports that the request "did not succeed" after a preflight or a redirect that fails, which its first
 * message does not distinguish from the request itself.
 */
function withFollowing(message: FoundMessage, failed: readonly string[]): FoundMessage {
  if (message.browser !== 'firefox') return message;
  const { url, status = 0 } = message;
  if (message.reasons[0] === 'redirect_url_not_http') {
    return { ...message, firstUrl: failed.find((one) => one !== url) };
  }
  const times = failed.filter((one) => one === url).length;
  const isRedirect = status >= 300 && status <= 399;
  return times > (isRedirect ? 1 : 0) ? { ...message, ofPreflight: true } : message;
}

function matchLine(whole: string): FoundMessage | undefined {
  const ofPreflight = whole.includes(PREFLIGHT);
  const firstUrl = REDIRECTED_FROM.exec(whole)?.[1];
  const line = whole.replace(PREFLIGHT, '').replace(REDIRECTED_FROM, '');
  const said = line.includes(CHROME_MARKER) ? 'chrome' : line.includes(FIREFOX_MARKER) ? 'firefox' : 'safari';
  for (const { browser, pieces, names, reasons, ...template } of PATTERNS) {
    if (browser !== said) continue;
    const values = matchPieces(line, pieces, names);
    if (values === undefined) continue;
    const { url, origin, method, header, value, status = '' } = values;
    const [reason] = reasons;
    const token = reason.startsWith('redirect_') ? '' : (method ?? header ?? value);
    return {
      browser,
      // Firefox has the same message for all values that are not the origin.
      reasons: browser === 'firefox' && reason === 'acao_mismatch' ? [mismatchReason(value ?? '')] : reasons,
      ofPreflight: ofPreflight || template.ofPreflight === true,
      url,
      firstUrl,
      origin,
      detail: token ?? (reason === 'preflight_status_not_ok' ? numberIn(status) : ''),
      isDetailKnown: token !== undefined,
      status: Number(numberIn(status)) || undefined,
    };
  }
  return undefined;
}

/** Messages end in a full stop, or not. */
function numberIn(status: string): string {
  return /^\d{3}/.exec(status)?.[0] ?? '';
}

const CHROME_MARKER = 'has been blocked by CORS policy';
const FIREFOX_MARKER = 'Cross-Origin Request Blocked';
const REDIRECTED_FROM = / \(redirected from '([^']*)'\)/;

/**
 * Verbatim pieces, and the names of the placeholders between them; one more piece than names. What holds another
 * one comes first.
 */
const PATTERNS = CONSOLE_MESSAGES.map((template) => {
  const parts = withoutEnd(withStraightQuotes(template.text).replace(PREFLIGHT, '')).split(/\{([a-z]+)\}/);
  return {
    ...template,
    pieces: parts.filter((_, i) => i % 2 === 0),
    names: parts.filter((_, i) => i % 2 === 1),
  };
}).sort((one, other) => other.names.length - one.names.length);

/** Chrome has added and removed trailing sentences from version to version. */
function withoutEnd(text: string): string {
  return text.replace(/ Have the server send the header with a valid value\.$/, '').replace(/\.$/, '');
}

function matchPieces(
  text: string,
  pieces: readonly string[],
  names: readonly string[],
): Readonly<Partial<Record<string, string>>> | undefined {
  const values: Partial<Record<string, string>> = {};
  let position = text.indexOf(pieces[0] ?? '');
  if (position === -1) return undefined;
  position += (pieces[0] ?? '').length;
  for (const [i, name] of names.entries()) {
    const piece = pieces[i + 1] ?? '';
    const end = piece === '' ? endOfToken(text, position) : text.indexOf(piece, position);
    if (end === -1) return undefined;
    values[name] = text.slice(position, end);
    position = end + piece.length;
  }
  return values;
}

function endOfToken(text: string, start: number): number {
  const space = text.indexOf(' ', start);
  return space === -1 ? text.length : space;
}

function urlOfSafari(line: string): string | undefined {
  const end = line.indexOf(' due to access control checks');
  if (end === -1) return undefined;
  const start = line.indexOf('cannot load ');
  return start === -1 ? undefined : line.slice(start + 'cannot load '.length, end);
}

/** The URL of a request that failed without a status, in any language of Firefox. */
function urlOfFailure(line: string): string | undefined {
  if (!/CORS|Cross-Origin/i.test(line) || !line.includes('(null)')) return undefined;
  return /\b(?:https?|ftp):\/\/[^\s'"]+/.exec(line)?.[0].replace(/[.,)]+$/, '');
}

/** Firefox uses typographic quotes, which may become plain on the way to a terminal. */
function withStraightQuotes(text: string): string {
  return text.replace(/[‘’‚‛]/g, "'").replace(/[“”„]/g, '"');
}

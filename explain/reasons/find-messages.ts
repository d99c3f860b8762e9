import { mismatchReason } from '../../instrumentation/src/fetch-standard/cors-check.ts';
import type { Reason } from '../../instrumentation/src/fetch-standard/decision.ts';
import { type Browser, CONSOLE_MESSAGES, PREFLIGHT } from './console-messages.ts';

/** A message found in a text, with its values. */
export interface FoundMessage {
  readonly browser: Browser;
  readonly reasons: readonly [Reason, ...Reason[]];
  readonly ofPreflight: boolean;
  /** The fetched URL; undefined when the message does not contain it. */
  readonly url: string | undefined;
  readonly origin: string | undefined;
  /** The failing token, if the message contains it. */
  readonly detail: string;
}

/** All messages in the text that identify a reason, in order of lines, without duplicates. */
export function findMessages(text: string): readonly FoundMessage[] {
  const found = new Map<string, FoundMessage>();
  const lines = withStraightQuotes(text).split('\n');
  for (const line of lines) {
    const message = matchLine(line);
    if (message !== undefined) found.set(JSON.stringify(message), message);
  }
  const inAll = [...found.values()];
  // Safari reports the URL in a separate line.
  const url = lines.map(urlOfSafari).find((one) => one !== undefined);
  return inAll.map((message) => (message.url === undefined ? { ...message, url } : message));
}

/**
 * Whether the text is a message for requests that failed before any response, or a follow-up of another
 * message.
 */
export function isWithoutReason(text: string): boolean {
  return UNSPECIFIC.some((words) => text.includes(words));
}

const UNSPECIFIC = [
  'CORS request did not succeed',
  'due to access control checks',
  'Failed to fetch',
  'Load failed',
];

function matchLine(whole: string): FoundMessage | undefined {
  const ofPreflight = whole.includes(PREFLIGHT);
  const line = whole.replace(PREFLIGHT, '').replace(REDIRECTED_FROM, '');
  const said = line.includes(CHROME_MARKER) ? 'Chrome' : line.includes(FIREFOX_MARKER) ? 'Firefox' : 'Safari';
  for (const { browser, pieces, names, reasons, ...template } of PATTERNS) {
    if (browser !== said) continue;
    const values = matchPieces(line, pieces, names);
    if (values === undefined) continue;
    const { url, origin, method, header, value = '', status = '' } = values;
    return {
      browser,
      // Firefox has the same message for all values that are not the origin.
      reasons: browser === 'Firefox' && reasons[0] === 'acao_mismatch' ? [mismatchReason(value)] : reasons,
      ofPreflight: ofPreflight || template.ofPreflight === true,
      url,
      origin,
      detail: method ?? header ?? (reasons[0].startsWith('redirect_') ? '' : value || status),
    };
  }
  return undefined;
}

const CHROME_MARKER = 'has been blocked by CORS policy';
const FIREFOX_MARKER = 'Cross-Origin Request Blocked';
const REDIRECTED_FROM = / \(redirected from '[^']*'\)/;

/** Verbatim pieces, and the names of the placeholders between them; one more piece than names. */
const PATTERNS = CONSOLE_MESSAGES.map((template) => {
  const parts = withoutEnd(withStraightQuotes(template.text).replace(PREFLIGHT, '')).split(/\{([a-z]+)\}/);
  return {
    ...template,
    pieces: parts.filter((_, i) => i % 2 === 0),
    names: parts.filter((_, i) => i % 2 === 1),
  };
});

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

/** Firefox uses typographic quotes, which may become plain on the way to a terminal. */
function withStraightQuotes(text: string): string {
  return text.replace(/[‘’]/g, "'").replace(/[“”]/g, '"');
}

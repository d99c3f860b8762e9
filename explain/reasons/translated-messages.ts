import { mismatchReason } from '../../instrumentation/src/fetch-standard/cors-check.ts';
import type { Reason } from '../../instrumentation/src/fetch-standard/decision.ts';
import { isToken as isHeaderName } from '../../instrumentation/src/fetch-standard/token-list.ts';
import type { FoundMessage } from './found-message.ts';

/**
 * Reads a message of a Firefox in any language: header names, quoted values and the status are the same in all of
 * them, and after the URL they determine the message.
 *
 * @param line as copied, because quotes differ
 * @returns undefined when it is not one, or names none of them
 */
export function readTranslated(line: string): FoundMessage | undefined {
  const url = URL_IN_TEXT.exec(line);
  if (url === null) return undefined;
  const rest = line.slice(url.index + url[0].length).replace(/^['"]/, '');
  const [header, ...others] = [...rest.matchAll(HEADER)];
  if (others.length > 0 || (header === undefined && !rest.includes('CORS'))) return undefined;
  const name = header?.groups?.name;
  const status = STATUS.exec(rest)?.[1];
  const value = header && quotedLike(header, rest);
  const reasons = reasonsFor(name, value, status);
  if (reasons === undefined) return undefined;
  const isAboutList = name === METHODS || name === HEADERS;
  const isToken = header !== undefined && name !== CREDENTIALS && value !== '*';
  const detail = isToken ? (value ?? '') : '';
  return {
    browser: 'firefox',
    reasons,
    ofPreflight: isAboutList || reasons[0] === 'preflight_status_not_ok',
    url: url[0],
    firstUrl: undefined,
    origin: undefined,
    detail: reasons[0] === 'preflight_status_not_ok' ? (status ?? '') : detail,
    isDetailKnown: detail !== '',
    status: status === undefined ? undefined : Number(status),
  };
}

/** Without the full stop, quote or parenthesis after it. */
const URL_IN_TEXT =
  /\b(?:https?|ftp):\/\/[\x21-\x7e]+?(?=[.,;:]?(?:[\s'"«»「」『』‹›(（]|[\u0080-\uffff]|$))/;
/** With the characters around it, which are the quotes of this language. */
const HEADER =
  /(?<open>\S)\s?(?<name>Access-Control-Allow-(?:Origin|Credentials|Methods|Headers))\s?(?<close>[^\sA-Za-z])/g;
const METHODS = 'Access-Control-Allow-Methods';
const HEADERS = 'Access-Control-Allow-Headers';
const CREDENTIALS = 'Access-Control-Allow-Credentials';

/** At the end of the message: `Statuscode: 200.`, `状态码：200。` */
const STATUS = /[:：]\s*(\d{3})[.。]?\s*$/;

/** A message with only a URL and no header says that there was no response, or not why. */
function reasonsFor(
  header: string | undefined,
  value: string | undefined,
  status: string | undefined,
): readonly [Reason, ...Reason[]] | undefined {
  if (header === undefined)
    return status === undefined ? undefined : ['preflight_status_not_ok', 'preflight_redirect'];
  // Spanish names this header in both messages.
  if (header === CREDENTIALS) return [value === '*' ? 'acao_wildcard_with_credentials' : 'acac_not_true'];
  if (header === METHODS) return [value === undefined ? 'method_not_allowed' : 'acam_malformed'];
  if (header === HEADERS) {
    if (value === undefined || value === '*') return undefined;
    return [isHeaderName(value) ? 'header_not_allowed' : 'acah_malformed'];
  }
  if (value === '*') return ['acao_wildcard_with_credentials'];
  if (value !== undefined) return [mismatchReason(value)];
  return [status === undefined ? 'acao_multiple' : 'acao_missing'];
}

/** The other text in the same quotes as the header; with quotes inside it, up to the last. */
function quotedLike(header: RegExpExecArray, text: string): string | undefined {
  const { open = '', close = '' } = header.groups ?? {};
  const others = text.slice(0, header.index) + text.slice(header.index + header[0].length);
  const start = others.indexOf(open);
  const end = start === -1 ? -1 : others.indexOf(close, start + 1);
  if (end === -1) return undefined;
  const isNested = end === start + 1 && others.lastIndexOf(close) > end;
  return others.slice(start + 1, isNested ? others.lastIndexOf(close) : end).trim();
}

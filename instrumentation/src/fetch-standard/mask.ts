import { OTHER } from '../attributes.ts';
import { cleanText } from './clean-text.ts';
import type { Reason } from './decision.ts';

/*
 * Masks text in which a client, or a response that echoes one, may have put a secret. Each rule is an allow-list: everything else is masked.
 */

/** Replaces the masked part of a URL or of a header value. */
export const REST = '...';

const MAX_TEXT = 2048;
const MAX_HOST = 253;
const SCHEME = '[a-z][a-z0-9+.-]{0,31}';
const HOST = `(?:[a-z0-9*._-]{1,${MAX_HOST}}|\\[[0-9a-f:.]{2,45}\\])`;
const URL_PARTS = new RegExp(`^(${SCHEME}://)([^/?#\\\\]*@)?(${HOST}(?::\\d{0,5})?)([/?#\\\\][^@]*)?$`, 'is');

/**
 * Keeps scheme, host and port of a text that should be an origin, as written. `...` replaces user name and
 * password as well as path, query and fragment (a lone `/` stays, because it shows the mistake), and the
 * whole text where it has no such parts or has an `@` so late that they could be a password.
 */
export function maskOrigin(text: string): string {
  const parts = text.length > MAX_TEXT ? null : URL_PARTS.exec(text);
  if (parts === null) return REST;
  const [, scheme = '', userInfo, authority = '', rest] = parts;
  const end = rest === undefined || rest === '/' ? (rest ?? '') : `/${REST}`;
  return `${scheme}${userInfo === undefined ? '' : `${REST}@`}${authority}${end}`;
}

/** Masks the failing token of a decision. */
export function maskDetail(reason: Reason | '', detail: string): string {
  if (detail === '') return '';
  const text = detail.slice(0, MAX_TEXT);
  switch (reason) {
    case 'acao_mismatch':
    case 'acao_invalid':
    case 'acao_multiple':
      return cleanText(BARE_HOST.test(text) ? text : maskWords(text, /[^\s,"']+/g, maskOriginOrWord));
    case 'acac_not_true':
      return cleanText(maskWords(text, /[^\s,;"']+/g, maskPlainWord));
    case 'acam_malformed':
    case 'acah_malformed':
      // The parts of a URL would look like names.
      return URL_LIKE.test(text) ? REST : cleanText(maskWords(text, /[^\s,;|"']+/g, maskListElement));
    case 'method_not_allowed':
      return maskMethod(detail);
    case 'header_not_allowed':
      return maskHeaderName(detail);
    default:
      // A status, a reason, `*`, or the already reduced target of a redirect.
      return cleanText(detail);
  }
}

/** A host name that was used as an origin. */
const BARE_HOST = /^(?=.{1,100}$)(?:localhost|(?:[a-z0-9*-]{1,24}\.){1,6}[a-z]{2,18})(?::\d{1,5})?$/;

const URL_LIKE = /[:/?#@=&%]/;

const PLAIN_WORDS: ReadonlySet<string> = new Set(
  '* null undefined none true false yes no on off 0 1 all any'.split(' '),
);

function maskWords(text: string, words: RegExp, mask: (word: string) => string): string {
  return text.replace(words, mask);
}

function maskPlainWord(word: string): string {
  return PLAIN_WORDS.has(word.toLowerCase()) ? word : REST;
}

function maskOriginOrWord(word: string): string {
  return word.includes('://') ? maskOrigin(word) : maskPlainWord(word);
}

function maskListElement(word: string): string {
  return word === '*' || isMethod(word) || isHeaderName(word.toLowerCase()) ? word : REST;
}

/** Keeps a method of the IANA registry, or one known from caches and devices, in any case; else `(other)`. */
export function maskMethod(method: string): string {
  return method === '' || isMethod(method) ? method : OTHER;
}

const METHODS: ReadonlySet<string> = new Set(
  `ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT CONNECT COPY DELETE GET HEAD LABEL LINK LOCK M-SEARCH MERGE
  MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE NOTIFY OPTIONS ORDERPATCH PATCH POST PRI PROPFIND
  PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH SUBSCRIBE TRACE TRACK UNBIND UNCHECKOUT UNLINK UNLOCK
  UNSUBSCRIBE UPDATE UPDATEREDIRECTREF VERSION-CONTROL VIEW`.split(/\s+/),
);

function isMethod(word: string): boolean {
  return METHODS.has(word) || METHODS.has(word.toUpperCase());
}

/**
 * Keeps a lower-case header name that looks like an identifier: words of at most 16 letters, each with at
 * most two digits at one end, joined by hyphens, underscores or dots. Else `(other)`, because it may be a
 * value.
 */
export function maskHeaderName(name: string): string {
  return isHeaderName(name) ? name : OTHER;
}

const MAX_NAME = 64;
const HEADER_NAME =
  /^(?:[a-z]{1,16}\d{0,2}|\d{1,2}[a-z]{0,16}|sha\d{3})(?:[-_.](?:[a-z]{1,16}\d{0,2}|\d{1,2}[a-z]{0,16}|sha\d{3}))*$/;

function isHeaderName(name: string): boolean {
  return name.length <= MAX_NAME && HEADER_NAME.test(name);
}

import { OTHER } from '../attributes.ts';
import { cleanText } from './clean-text.ts';
import type { Reason } from './decision.ts';

/*
 * What may be kept of texts that a client, or an answer that repeats one, can put a secret into. Each rule lists
 * what is kept; whatever it does not know is masked.
 */

/** Stands for what was left out of a URL or a header's value. */
export const REST = '...';

const MAX_TEXT = 2048;
const MAX_HOST = 253;
const SCHEME = '[a-z][a-z0-9+.-]{0,31}';
const HOST = `(?:[a-z0-9*._-]{1,${MAX_HOST}}|\\[[0-9a-f:.]{2,45}\\])`;
const URL_PARTS = new RegExp(`^(${SCHEME}://)([^/?#\\\\]*@)?(${HOST}(?::\\d{0,5})?)([/?#\\\\][^@]*)?$`, 'is');

/**
 * Scheme, host and port of a text that should be an origin, as they are written. `...` takes the place of user
 * name and password, and of path, query and fragment (a lone `/` stays: it is the slip to be seen); of the whole
 * text where it has no such parts, or an `@` so late that they cannot be told from a password.
 */
export function maskOrigin(text: string): string {
  const parts = text.length > MAX_TEXT ? null : URL_PARTS.exec(text);
  if (parts === null) return REST;
  const [, scheme = '', userInfo, authority = '', rest] = parts;
  const end = rest === undefined || rest === '/' ? (rest ?? '') : `/${REST}`;
  return `${scheme}${userInfo === undefined ? '' : `${REST}@`}${authority}${end}`;
}

/** The failing token of a decision as it may be kept. */
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
      // With a URL in it, its pieces would look like names.
      return URL_LIKE.test(text) ? REST : cleanText(maskWords(text, /[^\s,;|"']+/g, maskListElement));
    case 'method_not_allowed':
      return maskMethod(detail);
    case 'header_not_allowed':
      return maskHeaderName(detail);
    default:
      // A status, a reason, `*`, or what a redirect's check has left of its target.
      return cleanText(detail);
  }
}

/** A host name that somebody took for an origin. */
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

/** A method of the IANA registry, or one that caches and devices are known for, in any case; else `(other)`. */
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
 * A header's name, in lower case, that reads like one in code: words of at most 16 letters, each with at most
 * two digits at one of its ends, joined by hyphens, underscores or dots. Else `(other)`: it may be a value.
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

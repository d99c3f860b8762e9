import { trimHttpWhitespace } from './header-list.ts';
import { memoize } from './memoize.ts';

/** The elements of a `#token` list, as sent and in lower case. */
export interface TokenList {
  readonly tokens: readonly string[];
  readonly lowerCase: ReadonlySet<string>;
}

const EMPTY: TokenList = { tokens: [], lowerCase: new Set() };

/**
 * Parses a `#token` list (https://fetch.spec.whatwg.org/#extract-header-list-values). Empty elements are
 * skipped; an absent header is an empty list.
 *
 * @returns null when an element is not a token
 */
export function parseTokenList(value: string | null): TokenList | null {
  return value === null || value === '' ? EMPTY : readTokenList(value);
}

/** Memoized, because a server sends the same few lists and a decision reads each several times. */
const readTokenList = memoize((value): TokenList | null => {
  const tokens: string[] = [];
  for (const element of value.split(',')) {
    const token = trimHttpWhitespace(element);
    if (token === '') continue;
    if (!isToken(token)) return null;
    tokens.push(token);
  }
  return { tokens, lowerCase: new Set(tokens.map((token) => token.toLowerCase())) };
});

/** https://www.rfc-editor.org/rfc/rfc9110#name-tokens */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (TCHAR[text.charCodeAt(i)] !== 1) return false;
  }
  return text.length > 0;
}

const TCHAR = new Uint8Array(128);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  TCHAR[char.charCodeAt(0)] = 1;
}

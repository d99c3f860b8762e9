import { trimHttpWhitespace } from './header-list.ts';
import { remembering } from './remembering.ts';

/** The elements of a `#token` list, as sent and in lower case. */
export interface TokenList {
  readonly tokens: readonly string[];
  readonly lowerCase: ReadonlySet<string>;
}

const EMPTY: TokenList = { tokens: [], lowerCase: new Set() };

/**
 * The elements of a `#token` list, empty ones passed over, or null when one of them is not a token (Fetch
 * §2.2.2 "extract header list values" with the ABNF of §3.3.6). An absent header is an empty list.
 */
export function parseTokenList(value: string | null): TokenList | null {
  return value === null || value === '' ? EMPTY : readTokenList(value);
}

/** A server's answers carry the same few lists, and each is asked for several times in a decision. */
const readTokenList = remembering((value): TokenList | null => {
  const tokens: string[] = [];
  for (const element of value.split(',')) {
    const token = trimHttpWhitespace(element);
    if (token === '') continue;
    if (!isToken(token)) return null;
    tokens.push(token);
  }
  return { tokens, lowerCase: new Set(tokens.map((token) => token.toLowerCase())) };
});

/** RFC 9110 §5.6.2: at least one character, all of them `tchar`. */
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

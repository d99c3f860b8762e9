import { cleanText } from './clean-text.ts';
import { remembering } from './remembering.ts';

/** The header names that a preflight asks leave for, lower-case. */
export interface AskedHeaders {
  /** As asked: in order, as many as there are. */
  readonly names: readonly string[];
  /** What a decision keeps of them: clean, unique, sorted, at most 32 of at most 64 characters. */
  readonly kept: readonly string[];
}

const NONE: AskedHeaders = Object.freeze({ names: Object.freeze([]), kept: Object.freeze([]) });
const MAX_NAMES = 32;
export const MAX_NAME_LENGTH = 64;

/** Fetch §3.3.2 `Access-Control-Request-Headers`; an absent one asks for none. */
export function askedHeaders(value: string | null): AskedHeaders {
  return value === null ? NONE : readAskedHeaders(value);
}

const readAskedHeaders = remembering((value): AskedHeaders => {
  const names = value
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const clean = new Set(names.map((name) => cleanText(name, MAX_NAME_LENGTH)));
  return { names, kept: Object.freeze([...clean].sort().slice(0, MAX_NAMES)) };
});

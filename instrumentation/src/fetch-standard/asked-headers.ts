import { cleanText } from './clean-text.ts';
import { maskHeaderName } from './mask.ts';
import { remembering } from './remembering.ts';

/** The header names that a preflight asks leave for, lower-case. */
export interface AskedHeaders {
  /** As asked: in order, as many as there are. */
  readonly names: readonly string[];
  /** What a decision keeps of them: masked, unique, sorted, at most 32. */
  readonly kept: readonly string[];
}

const NONE: AskedHeaders = Object.freeze({ names: Object.freeze([]), kept: Object.freeze([]) });
const MAX_NAMES = 32;
const MAX_NAME_LENGTH = 64;

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
  return { names, kept: keptNames(names, maskHeaderName) };
});

/** What a decision keeps of names that were asked: unique, sorted, at most 32. */
export function keptNames(names: readonly string[], keep: (name: string) => string): readonly string[] {
  return Object.freeze([...new Set(names.map(keep))].sort().slice(0, MAX_NAMES));
}

/** A name as it was sent, fit to be shown. */
export function cleanName(name: string): string {
  return cleanText(name, MAX_NAME_LENGTH);
}

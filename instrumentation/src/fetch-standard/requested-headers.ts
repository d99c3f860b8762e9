import { cleanText } from './clean-text.ts';
import { maskHeaderName } from './mask.ts';
import { memoize } from './memoize.ts';

/** The header names that a preflight requests, lower-case. */
export interface RequestedHeaders {
  /** As sent, in order, without a limit. */
  readonly names: readonly string[];
  /** As kept in a decision: masked, unique, sorted, at most 32. */
  readonly kept: readonly string[];
}

const NONE: RequestedHeaders = Object.freeze({ names: Object.freeze([]), kept: Object.freeze([]) });
const MAX_NAMES = 32;
const MAX_NAME_LENGTH = 64;

/**
 * Parses https://fetch.spec.whatwg.org/#http-access-control-request-headers; an absent header requests
 * none.
 */
export function requestedHeaders(value: string | null): RequestedHeaders {
  return value === null ? NONE : readRequestedHeaders(value);
}

const readRequestedHeaders = memoize((value): RequestedHeaders => {
  const names = value
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return { names, kept: keptNames(names, maskHeaderName) };
});

/** The requested names as kept in a decision: unique, sorted, at most 32. */
export function keptNames(names: readonly string[], keep: (name: string) => string): readonly string[] {
  return Object.freeze([...new Set(names.map(keep))].sort().slice(0, MAX_NAMES));
}

/** A name as sent, made safe to display. */
export function cleanName(name: string): string {
  return cleanText(name, MAX_NAME_LENGTH);
}

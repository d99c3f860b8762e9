import { bounded } from '../../core/text.ts';

/** The maximum number of names, in the order sent, and their maximum length in UTF-16 code units. */
export const HEADER_NAMES = 32;
const NAME_LENGTH = 64;

/**
 * Normalises header names to one value: lower-case, sorted, unique, joined by `,`, so that equal sets are
 * equal strings.
 */
export function headerNames(sent: readonly string[]): string {
  const names = new Set<string>();
  for (const name of sent.slice(0, HEADER_NAMES)) {
    names.add(bounded(name.toLowerCase(), NAME_LENGTH).replaceAll(',', '\ufffd'));
  }
  names.delete('');
  return [...names].sort().join(',');
}

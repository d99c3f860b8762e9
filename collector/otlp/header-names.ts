import { bounded } from '../../core/text.ts';

/** How many names are kept, in the order they were sent, and how long each may be in UTF-16 code units. */
export const HEADER_NAMES = 32;
const NAME_LENGTH = 64;

/**
 * Header names as one value: lower-case, sorted, unique, joined by `,` whoever sent them, so that the same
 * names are always the same text.
 */
export function headerNames(sent: readonly string[]): string {
  const names = new Set<string>();
  for (const name of sent.slice(0, HEADER_NAMES)) {
    names.add(bounded(name.toLowerCase(), NAME_LENGTH).replaceAll(',', '\ufffd'));
  }
  names.delete('');
  return [...names].sort().join(',');
}

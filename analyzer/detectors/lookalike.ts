import { domainToUnicode } from 'node:url';
import { parse } from 'tldts';
import { hostOf, siteOf } from '../input/origin-kind.ts';

export interface Likeness {
  readonly allowed: string;
  /** 0 to 1; from 0.6 the origin looks made to be mistaken. */
  readonly score: number;
  readonly how: string;
}

interface Folded {
  readonly origin: string;
  readonly host: string;
  readonly site: string;
  /** Registrable domain without its public suffix. */
  readonly label: string;
  readonly skeleton: string;
}

/** The allowed origin that a new one resembles most; undefined when it resembles none. */
export function mostAlike(origin: string, allowed: Iterable<string>): Likeness | undefined {
  const folded = fold(origin);
  if (folded === undefined) return undefined;
  let best: Likeness | undefined;
  for (const candidate of allowed) {
    const other = fold(candidate);
    if (other === undefined) continue;
    const [score, how] = compare(folded, other);
    if (score > (best?.score ?? 0)) best = { allowed: candidate, score, how };
  }
  return best;
}

const MOST_REMEMBERED = 20_000;
const remembered = new Map<string, Folded | undefined>();

function fold(origin: string): Folded | undefined {
  if (remembered.has(origin)) return remembered.get(origin);
  const host = hostOf(origin);
  const { domainWithoutSuffix } = parse(host, { allowPrivateDomains: true });
  const label = domainWithoutSuffix ?? '';
  const unicode = domainToUnicode(label).normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  const folded =
    host === '' || label === ''
      ? undefined
      : { origin, host, site: siteOf(origin), label, skeleton: skeletonOf(unicode) };
  // Strangers choose origins: what is remembered of them is bounded.
  if (remembered.size >= MOST_REMEMBERED) remembered.clear();
  remembered.set(origin, folded);
  return folded;
}

/** Cyrillic and Greek letters that look like Latin ones, as in the confusables of Unicode TS 39. */
const CONFUSABLE: Readonly<Record<string, string>> = Object.fromEntries(
  [...'аaеeоoрpсcуyхxіiјjѕsԁdԛqһhӏlνvοoαaρpτtκkιiυuгrтtкkмmвbнhьbпnиuшwɡgɑaıi'.matchAll(/(.)(.)/gu)].map(
    ([, from = '', to = '']) => [from, to],
  ),
);

function skeletonOf(text: string): string {
  return [...text]
    .map((letter) => CONFUSABLE[letter] ?? letter)
    .join('')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
    .replaceAll('cl', 'd')
    .replaceAll('0', 'o')
    .replaceAll(/[1i|]/g, 'l')
    .replaceAll('5', 's')
    .replaceAll('3', 'e');
}

function compare(a: Folded, b: Folded): [score: number, how: string] {
  if (a.site === b.site) {
    if (a.host === b.host && a.origin.startsWith('http:') && b.origin.startsWith('https:')) {
      return [0.6, 'is the same host without TLS'];
    }
    return [0, ''];
  }
  if (a.skeleton === b.skeleton && a.label !== b.label) {
    return a.label.startsWith('xn--') ? [1, 'looks the same in another script'] : [0.95, 'looks the same'];
  }
  if (a.host.includes(b.host) || (b.site.includes('.') && a.host.includes(b.site))) {
    return [0.9, 'has the allowed name inside its own'];
  }
  if (a.label === b.label && a.label.length >= 4) return [0.85, 'differs by its suffix'];
  const plainA = a.label.replaceAll('-', '');
  const plainB = b.label.replaceAll('-', '');
  if (b.label.length >= 5) {
    if (plainA === plainB || isWithinOneEdit(a.label, b.label)) return [0.8, 'differs by one letter'];
    if (a.host.replaceAll('.', '').startsWith(b.host.replaceAll('.', ''))) return [0.75, 'differs by a dot'];
    if (a.label.split('-').includes(b.label) || isWithinOneEdit(a.skeleton, b.skeleton)) {
      return [0.7, 'has the allowed name as a word of its own'];
    }
    if (plainA.includes(plainB)) return [0.6, 'contains the allowed name'];
  }
  return [0, ''];
}

/** Damerau–Levenshtein: an insertion, a deletion, a substitution, or two neighbours swapped. */
function isWithinOneEdit(a: string, b: string): boolean {
  if (a === b) return true;
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const restA = a.slice(start, a.length - end);
  const restB = b.slice(start, b.length - end);
  if (restA.length <= 1 && restB.length <= 1) return true;
  return restA.length === 2 && restA[0] === restB[1] && restA[1] === restB[0];
}

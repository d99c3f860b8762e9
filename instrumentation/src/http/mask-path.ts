import { cleanText } from '../fetch-standard/clean-text.ts';
import { PATH_WORDS } from './path-words.ts';

const MAX_SEGMENTS = 16;
const MAX_SEGMENT = 48;
const MAX_WORDS = 5;
const MAX_ROUTE = 512;
const MASK = ':id';
const REST = '...';

/**
 * Masks a path so that it may be stored: without query and fragment, at most 16 segments. Whether a segment
 * is a word of the application or somebody's name or secret cannot be told from its form (`/users/jane`,
 * `/reset/kqzvxwjp`), so only known segments are kept and others become `:id`. Known are
 *
 * - the route template, which replaces the path if it has a part for each segment;
 * - the literal segments of route templates;
 * - versions (`v1`), and up to five common words of developers (path-words.ts) joined by hyphens,
 *   underscores, dots or capitals: `user-profiles`, `getOrderById`, `index.html`.
 *
 * Idempotent.
 *
 * @param url a request target: a path with query, or an absolute URL
 * @param route the route template, if known
 * @param isRouteText whether a segment is part of any known route template
 */
export function maskPath(url: string, route?: string, isRouteText?: (segment: string) => boolean): string {
  const segments = pathOf(url).split('/', MAX_SEGMENTS + 2);
  if (route !== undefined && fits(route, segments)) return cleanText(route, MAX_ROUTE);
  const literals = route === undefined ? [] : routeText(route);
  const kept = segments
    .slice(0, MAX_SEGMENTS + 1)
    .map((segment) =>
      isKnown(segment) || literals.includes(segment) || isRouteText?.(segment) === true ? segment : MASK,
    );
  if (segments.length > kept.length) kept.push(REST);
  return kept.join('/');
}

/**
 * Whether a template is as specific as the path. One for paths of any length (`/files/*`, `/(.*)`), or a
 * gateway's prefix (`/files/`), is less so.
 */
export function fits(route: string, segments: readonly string[]): boolean {
  const parts = route.split('/', MAX_SEGMENTS + 2);
  return (
    parts.length === segments.length &&
    parts.every(
      (part, i) => part === segments[i] || (part !== '' && !/[*(]/.test(part) && !LITERAL.test(part)),
    )
  );
}

/** The literal segments of a route template, without parameters (`:id`, `{id}`, `<id>`) and patterns. */
export function routeText(route: string): readonly string[] {
  return route.split('/', MAX_SEGMENTS + 1).filter((segment) => LITERAL.test(segment));
}

const LITERAL = new RegExp(`^[A-Za-z0-9._~-]{1,${MAX_SEGMENT}}$`);

export function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  const target = end === -1 ? url : url.slice(0, end);
  if (target.startsWith('/')) return target;
  const authority = target.indexOf('://');
  if (authority === -1) return target === '' ? '/' : target;
  const path = target.indexOf('/', authority + 3);
  return path === -1 ? '/' : target.slice(path);
}

function isKnown(segment: string): boolean {
  if (segment === '' || segment === MASK || segment === REST || PATH_WORDS.has(segment)) return true;
  if (segment.length > MAX_SEGMENT || !/^[A-Za-z0-9._~-]+$/.test(segment)) return false;
  if (VERSION.test(segment)) return true;
  const words = segment
    .split(/[._~-]|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/)
    .filter((word) => word !== '');
  return words.length > 0 && words.length <= MAX_WORDS && words.every(isKnownWord);
}

const VERSION = /^v\d{1,2}(?:\.\d{1,2}){0,2}(?:(?:alpha|beta|rc)\d?)?$/i;

function isKnownWord(word: string): boolean {
  if (!WORD_CASE.test(word)) return false;
  const lower = word.toLowerCase();
  return PATH_WORDS.has(lower) || PATH_WORDS.has(singular(lower)) || VERSION.test(lower);
}

/** `word`, `Word` or `WORD`. */
const WORD_CASE = /^(?:[A-Za-z][a-z0-9]*|[A-Z0-9]+|\d[a-z]+\d?)$/;

function singular(word: string): string {
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  if (/(?:s|x|z|ch|sh)es$/.test(word)) return word.slice(0, -2);
  return word.endsWith('s') ? word.slice(0, -1) : word;
}

import { percentDecoded } from '../percent-decoded.ts';

/** What a router's layer matched at the start of a path. */
export interface MountMatch {
  readonly path: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Matches a path from its start; undefined when it does not match. */
export type MatchMount = (path: string) => MountMatch | undefined;

const MAX_PREFIX = 256;
/** The name of a parameter that has none. */
const UNNAMED = 'id';

/** A character of a path, or one that is percent-encoded. */
const UNIT = /%[0-9a-f]{2}|./gis;

/**
 * Finds the template of a mount path (`/orgs/:org`) by matching: where another character matches as well,
 * the path has a value of the request. Routers without a readable declaration keep nothing but a matcher.
 *
 * @param prefix what the matcher matched
 * @returns undefined when it cannot be told what belongs to the template
 */
export function templateOfMount(prefix: string, match: MatchMount): string | undefined {
  const found = prefix.length > MAX_PREFIX ? undefined : match(prefix);
  if (found?.path !== prefix) return undefined;
  const units: readonly string[] = prefix.match(UNIT) ?? [];
  const names = units.map((unit, i) => (unit === '/' ? undefined : parameterAt(units, i, found, match)));
  const segments: string[] = [];
  for (let start = 0; start <= units.length; ) {
    const separator = units.indexOf('/', start);
    const end = separator === -1 ? units.length : separator;
    const segment = segmentTemplate(units.slice(start, end), names.slice(start, end), found, names);
    // A wildcard spans several segments.
    if (segment.startsWith(':') && segments.at(-1)?.slice(1) === segment.slice(1)) {
      segments[segments.length - 1] = `*${segment.slice(1)}`;
    } else segments.push(segment);
    start = end + 1;
  }
  return segments.join('/');
}

function segmentTemplate(
  units: readonly string[],
  names: readonly (string | undefined)[],
  { params }: MountMatch,
  allNames: readonly (string | undefined)[],
): string {
  const text = units.join('');
  const isVariable = names.some((name) => name !== undefined);
  for (const [name, value] of Object.entries(params)) {
    // A parameter with a list of values (`:plan(free|paid)`) does not vary by a character.
    const isPart = isVariable ? names.includes(name) : !allNames.includes(name);
    if (isPart && text !== '' && (value === text || value === percentDecoded(text))) return parameter(name);
  }
  return units
    .map((unit, i) => {
      const name = names[i];
      if (name === undefined) return unit;
      return i > 0 && names[i - 1] === name ? '' : parameter(name);
    })
    .join('');
}

/** The parameter that a character belongs to; undefined for a character of the template. */
function parameterAt(
  units: readonly string[],
  index: number,
  found: MountMatch,
  match: MatchMount,
): string | undefined {
  const changed = units.with(index, otherThan(units[index] ?? '')).join('');
  let other: MountMatch | undefined;
  try {
    other = match(changed);
  } catch {
    // Only values are decoded.
    return UNNAMED;
  }
  if (other?.path !== changed) return undefined;
  const names = Object.keys(found.params);
  return names.find((name) => String(other.params[name]) !== String(found.params[name])) ?? UNNAMED;
}

/** Another character of the same class, also as a hexadecimal digit. */
function otherThan(unit: string): string {
  if (/^\d$/.test(unit)) return unit === '0' ? '1' : '0';
  if (/^[a-z]$/i.test(unit)) return unit.toLowerCase() === 'a' ? 'b' : 'a';
  return unit === '_' ? '-' : '_';
}

/** Names of groups are numbers, where they have none. */
function parameter(name: string): string {
  return `:${/^[A-Za-z_$][\w$]*$/.test(name) ? name : UNNAMED}`;
}

/**
 * A pattern that matches paths which start with an instance of a template of literals, `:name` and `*name`.
 *
 * @returns undefined for other templates
 */
export function patternOfMount(template: string): RegExp | undefined {
  const source = sourceOf(template);
  return source === undefined ? undefined : new RegExp(`^${source}(?=[/?#]|$)`, 'i');
}

/** As `patternOfMount`, for whole paths. */
export function patternOfPath(template: string): RegExp | undefined {
  const source = sourceOf(template.replace(/\/$/, ''));
  return source === undefined ? undefined : new RegExp(`^${source}/?(?:[?#]|$)`, 'i');
}

const TEMPLATE = /^(?:[^:*(){}[\]?+!\\"]|[:*][A-Za-z_$][\w$]*)*$/;

function sourceOf(template: string): string | undefined {
  if (!TEMPLATE.test(template)) return undefined;
  return template
    .split(/([:*][\w$]+)/)
    .map((part) => {
      if (part.startsWith(':')) return '[^/?#]+';
      return part.startsWith('*') ? '[^?#]+' : part.replace(/[.^$|]/g, '\\$&');
    })
    .join('');
}

/** How two origins differ, the most significant first. */
export const DIFFERENCES = ['slash', 'case', 'scheme', 'port', 'subdomain', 'spelling'] as const;
export type Difference = (typeof DIFFERENCES)[number];

export interface NearestOrigin {
  readonly origin: string;
  readonly difference: Difference;
}

/**
 * The allowed origin that was probably intended: it differs in one respect only. This is a hint for people, not
 * a reason to trust an origin: attackers choose origins that resemble allowed ones.
 *
 * @param allowed origins that the same service allowed or named, the most used first
 */
export function nearestOrigin(origin: string, allowed: readonly string[]): NearestOrigin | undefined {
  let nearest: NearestOrigin | undefined;
  for (const candidate of allowed) {
    const difference = differenceOf(origin, candidate);
    if (difference === undefined) continue;
    if (nearest === undefined || DIFFERENCES.indexOf(difference) < DIFFERENCES.indexOf(nearest.difference)) {
      nearest = { origin: candidate, difference };
    }
  }
  return nearest;
}

function withoutSlash(origin: string): string {
  return origin.endsWith('/') ? origin.slice(0, -1) : origin;
}

interface Parts {
  readonly scheme: string;
  readonly host: string;
  readonly port: string;
}

function differenceOf(origin: string, candidate: string): Difference | undefined {
  if (origin === candidate) return undefined;
  if (withoutSlash(origin) === withoutSlash(candidate)) return 'slash';
  if (origin.toLowerCase() === candidate.toLowerCase()) return 'case';
  const a = partsOf(origin);
  const b = partsOf(candidate);
  if (a === undefined || b === undefined) return undefined;
  if (a.host === b.host) {
    // http on 80 and https on 443 differ only by scheme: default ports are omitted.
    if (a.scheme !== b.scheme) return 'scheme';
    return 'port';
  }
  if (a.scheme !== b.scheme || a.port !== b.port) return undefined;
  if (isAddress(a.host) || isAddress(b.host)) return undefined;
  if (areRelated(a.host, b.host)) return 'subdomain';
  return isWithinEdits(a.host, b.host, 2) ? 'spelling' : undefined;
}

function partsOf(origin: string): Parts | undefined {
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/:]+)(?::(\d+))?$/.exec(origin);
  if (match === null) return undefined;
  return { scheme: match[1] ?? '', host: match[2] ?? '', port: match[3] ?? '' };
}

/** Whether one host is a subdomain of the other, or both are of the same domain of at least two labels. */
function areRelated(a: string, b: string): boolean {
  if (isBelow(a, b) || isBelow(b, a)) return true;
  const parent = a.slice(a.indexOf('.') + 1);
  return parent.includes('.') && b.slice(b.indexOf('.') + 1) === parent;
}

function isBelow(host: string, parent: string): boolean {
  return parent.includes('.') && host.endsWith(`.${parent}`);
}

function isAddress(host: string): boolean {
  return /^[\d.]+$/.test(host);
}

/** Whether the Levenshtein distance of two texts is at most this. */
function isWithinEdits(a: string, b: string, most: number): boolean {
  // Any two short names are within two edits.
  if (Math.abs(a.length - b.length) > most || Math.min(a.length, b.length) < 3 * most) return false;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    if (Math.min(...next) > most) return false;
    row = next;
  }
  return (row[b.length] ?? 0) <= most;
}

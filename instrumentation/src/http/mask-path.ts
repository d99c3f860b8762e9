const MAX_SEGMENTS = 16;
const MAX_SEGMENT = 32;
const MAX_WORD = 24;
const MASK = ':id';
const REST = '...';

/**
 * A path that may be kept: without query and fragment, segments that may identify somebody or something
 * masked as `:id`, at most 16 segments of at most 32 characters. Idempotent.
 *
 * @param url a request target: a path with query, or an absolute URL
 */
export function maskPath(url: string): string {
  const segments = pathOf(url).split('/', MAX_SEGMENTS + 2);
  const kept = segments.slice(0, MAX_SEGMENTS + 1).map((segment) => (isWord(segment) ? segment : MASK));
  if (segments.length > kept.length) kept.push(REST);
  return kept.join('/');
}

function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  const target = end === -1 ? url : url.slice(0, end);
  if (target.startsWith('/')) return target;
  const authority = target.indexOf('://');
  if (authority === -1) return target === '' ? '/' : target;
  const path = target.indexOf('/', authority + 3);
  return path === -1 ? '/' : target.slice(path);
}

/**
 * Whether a segment reads like something that a developer wrote: `v1`, `oauth2`, `user-profiles`, `index.html`,
 * `getUserById`. Numbers, UUIDs, hexadecimal and base64 tokens, mail addresses and anything escaped do not.
 */
function isWord(segment: string): boolean {
  if (isLowerCase(segment) || segment === MASK || segment === REST) return true;
  if (segment.length > MAX_SEGMENT) return false;
  const digits = segment.replace(/\D/g, '').length;
  if (digits > 2 || digits === segment.length) return false;
  if (digits > 0 && segment.length >= 8 && /^[0-9a-f-]+$/i.test(segment)) return false;
  return segment.split(/[._~-]/).every(isWordPart);
}

function isWordPart(part: string): boolean {
  if (!/^(?:[A-Za-z]{0,24}\d{0,2}|\d{1,2}[A-Za-z]{1,24}|[A-Za-z0-9]{1,7})$/.test(part)) return false;
  // Words joined in camel case have few humps for their length; a token has many.
  const humps = part.match(/[a-z](?=[A-Z])/g)?.length ?? 0;
  return humps <= 3 || humps * 4 <= part.length;
}

/** At most a long word, and by far the most common segment: told without a regular expression. */
function isLowerCase(segment: string): boolean {
  if (segment.length > MAX_WORD) return false;
  for (let i = 0; i < segment.length; i++) {
    const code = segment.charCodeAt(i);
    if (code < 0x61 || code > 0x7a) return false;
  }
  return true;
}

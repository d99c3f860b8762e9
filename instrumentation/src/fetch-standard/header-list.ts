import type { HeaderList } from './decision.ts';

/**
 * Headers by lower-case name: all values of that name, in order, each without surrounding HTTP whitespace,
 * joined by `, ` (Fetch §2.2.2 "get"); null when there is none.
 */
type Picked<Name extends string> = Record<Name, string | null>;

/** The headers that the rules read. */
export type RequestHeaders = Readonly<Picked<(typeof REQUEST_NAMES)[number]>>;
export type ResponseHeaders = Readonly<Picked<(typeof RESPONSE_NAMES)[number]>>;

const REQUEST_NAMES = [
  'access-control-request-headers',
  'access-control-request-method',
  'content-type',
  'cookie',
  'if-modified-since',
  'if-none-match',
  'origin',
  'sec-ch-ua',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-fetch-storage-access',
  'upgrade',
] as const;

const RESPONSE_NAMES = [
  'access-control-allow-credentials',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
  'access-control-expose-headers',
  'access-control-max-age',
  'cache-control',
  'location',
  'vary',
] as const;

/** Names to look for, arranged so that one pass over many headers finds them at the cost of their lengths. */
export interface Selection<Name extends string> {
  readonly byLength: readonly (readonly Name[] | undefined)[];
  readonly none: Picked<Name>;
}

export const REQUEST_HEADERS = select(REQUEST_NAMES);
export const RESPONSE_HEADERS = select(RESPONSE_NAMES);

/** Headers wherever they are kept. */
export interface HeaderReader {
  get(lowerCaseName: string): string | null;
  /** Several at once, in one pass. */
  pick<Name extends string>(wanted: Selection<Name>): Picked<Name>;
}

/** Over a header list: name and value pairs, as `Headers`, HAR and fixtures give them. */
export function readHeaderList(list: HeaderList): HeaderReader {
  return readRawHeaders(list.flat());
}

/** Over Node's `rawHeaders`, without copying: names at even indexes, values at odd ones. */
export function readRawHeaders(raw: readonly string[]): HeaderReader {
  return new RawHeaders(raw);
}

/** Over an HTTP/1.1 header block as it goes over the wire: a first line to skip, then lines ended by CR LF. */
export function readHeaderBlock(block: string): HeaderReader {
  return new HeaderBlock(block);
}

class RawHeaders implements HeaderReader {
  readonly #raw: readonly string[];

  constructor(raw: readonly string[]) {
    this.#raw = raw;
  }

  get(name: string): string | null {
    const raw = this.#raw;
    let joined: string | null = null;
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const text = raw[i] as string;
      if (text.length === name.length && isAt(text, 0, name)) joined = join(joined, raw[i + 1] as string);
    }
    return joined;
  }

  pick<Name extends string>(wanted: Selection<Name>): Picked<Name> {
    const raw = this.#raw;
    const picked = { ...wanted.none };
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const text = raw[i] as string;
      const name = find(wanted, text, 0, text.length);
      if (name !== undefined) picked[name] = join(picked[name], raw[i + 1] as string);
    }
    return picked;
  }
}

class HeaderBlock implements HeaderReader {
  readonly #block: string;

  constructor(block: string) {
    this.#block = block;
  }

  get(name: string): string | null {
    return this.pick(select([name]))[name] ?? null;
  }

  pick<Name extends string>(wanted: Selection<Name>): Picked<Name> {
    const block = this.#block;
    const picked = { ...wanted.none };
    // One character is found faster than two; the CR goes with the whitespace around the value.
    let start = block.indexOf('\n') + 1;
    while (start > 0 && start < block.length) {
      const next = block.indexOf('\n', start);
      const end = next === -1 ? block.length : next;
      const colon = block.indexOf(':', start);
      if (colon === -1) break;
      const name = colon < end ? find(wanted, block, start, colon - start) : undefined;
      if (name !== undefined) picked[name] = join(picked[name], block.slice(colon + 1, end));
      start = end + 1;
    }
    return picked;
  }
}

/** Whether a comma-separated header value names the lower-case `token`, in any case. */
export function namesToken(value: string, token: string): boolean {
  // The usual single element, and what is too short for any, need no splitting.
  if (value.length <= token.length) return value.length === token.length && isAt(value, 0, token);
  return value.split(',').some((part) => {
    const element = trimHttpWhitespace(part);
    return element.length === token.length && isAt(element, 0, token);
  });
}

/** Without leading and trailing HTTP whitespace: space, tab, CR, LF (Fetch §2.2.2 "normalize" a value). */
export function trimHttpWhitespace(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isHttpWhitespace(value.charCodeAt(start))) start++;
  while (end > start && isHttpWhitespace(value.charCodeAt(end - 1))) end--;
  return start === 0 && end === value.length ? value : value.slice(start, end);
}

export function select<Name extends string>(names: readonly Name[]): Selection<Name> {
  const byLength: Name[][] = [];
  for (const name of names) {
    byLength[name.length] = [...(byLength[name.length] ?? []), name];
  }
  return {
    byLength: Array.from(byLength),
    none: Object.fromEntries(names.map((name) => [name, null])) as Record<Name, null>,
  };
}

function find<Name extends string>(
  { byLength }: Selection<Name>,
  text: string,
  start: number,
  length: number,
): Name | undefined {
  const candidates = length < byLength.length ? byLength[length] : undefined;
  if (candidates === undefined) return undefined;
  for (const name of candidates) {
    if (isAt(text, start, name)) return name;
  }
  return undefined;
}

function join(joined: string | null, value: string): string {
  const trimmed = trimHttpWhitespace(value);
  return joined === null ? trimmed : `${joined}, ${trimmed}`;
}

function isHttpWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a;
}

/**
 * Compares without case and without allocating. `lowerCase` is letters and hyphens, to which `| 0x20` maps no
 * other character that a header's name may have. From the end, because `sec-fetch-…` and `access-control-…`
 * differ there.
 */
function isAt(text: string, start: number, lowerCase: string): boolean {
  for (let i = lowerCase.length - 1; i >= 0; i--) {
    if ((text.charCodeAt(start + i) | 0x20) !== lowerCase.charCodeAt(i)) return false;
  }
  return true;
}

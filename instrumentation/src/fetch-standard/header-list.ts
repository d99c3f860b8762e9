import type { HeaderList } from './decision.ts';

/**
 * The headers that the rules read, by lower-case name: all values of the name in order, trimmed of HTTP
 * whitespace and joined by `, ` (https://fetch.spec.whatwg.org/#concept-header-list-get); null when absent.
 */
export type RequestHeaders = Readonly<NoRequestHeaders>;
export type ResponseHeaders = Readonly<NoResponseHeaders>;

/** Classes, because every decision needs one of each and they are the fastest objects to create. */
class NoRequestHeaders {
  'access-control-request-headers': string | null = null;
  'access-control-request-method': string | null = null;
  'content-type': string | null = null;
  cookie: string | null = null;
  'if-modified-since': string | null = null;
  'if-none-match': string | null = null;
  origin: string | null = null;
  'sec-ch-ua': string | null = null;
  'sec-fetch-mode': string | null = null;
  'sec-fetch-site': string | null = null;
  'sec-fetch-storage-access': string | null = null;
  upgrade: string | null = null;
}

class NoResponseHeaders {
  'access-control-allow-credentials': string | null = null;
  'access-control-allow-headers': string | null = null;
  'access-control-allow-methods': string | null = null;
  'access-control-allow-origin': string | null = null;
  'access-control-expose-headers': string | null = null;
  'access-control-max-age': string | null = null;
  'cache-control': string | null = null;
  location: string | null = null;
  vary: string | null = null;
}

type Picked<Name extends string> = Record<Name, string | null>;

/** Header names indexed so that one pass over all headers finds them. */
export interface Selection<Name extends string> {
  /** Indexed by length. */
  readonly ofLength: readonly (readonly Name[] | undefined)[];
  /** Indexed by the character code of the first letter. */
  readonly startingWith: readonly (readonly Name[] | undefined)[];
  /** Creates a record in which no header is found yet. */
  readonly none: () => Picked<Name>;
}

export const REQUEST_HEADERS = select(() => new NoRequestHeaders());
export const RESPONSE_HEADERS = select(() => new NoResponseHeaders());

/** Reads headers from any representation. */
export interface HeaderReader {
  get(lowerCaseName: string): string | null;
  /** Reads several headers in one pass. */
  pick<Name extends string>(wanted: Selection<Name>): Picked<Name>;
}

/** Reads a header list: name and value pairs, as in `Headers`, HAR and fixtures. */
export function readHeaderList(list: HeaderList): HeaderReader {
  return readRawHeaders(list.flat());
}

/** Reads Node's `rawHeaders` without copying: names at even indexes, values at odd ones. */
export function readRawHeaders(raw: readonly string[]): HeaderReader {
  return new RawHeaders(raw);
}

/** Reads an HTTP/1.1 header block as sent on the wire: the first line is skipped, lines end in CR LF. */
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
      if (text.length === name.length && isAt(text, 0, name))
        joined = join(joined, trimHttpWhitespace(raw[i + 1] as string));
    }
    return joined;
  }

  pick<Name extends string>(wanted: Selection<Name>): Picked<Name> {
    const raw = this.#raw;
    const picked = wanted.none();
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const name = find(wanted, raw[i] as string);
      if (name !== undefined) picked[name] = join(picked[name], trimHttpWhitespace(raw[i + 1] as string));
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
    return this.pick(select(() => ({ [name]: null })))[name] ?? null;
  }

  pick<Name extends string>(wanted: Selection<Name>): Picked<Name> {
    const block = this.#block;
    const picked = wanted.none();
    // Searching for one character is faster than for two; the CR is trimmed with the whitespace around the
    // value.
    let start = block.indexOf('\n') + 1;
    while (start > 0 && start < block.length) {
      const next = block.indexOf('\n', start);
      const end = next === -1 ? block.length : next;
      const name = findInBlock(wanted, block, start);
      if (name !== undefined) {
        picked[name] = join(picked[name], trimmedSlice(block, start + name.length + 1, end));
      }
      start = end + 1;
    }
    return picked;
  }
}

/** Whether a comma-separated header value contains the lower-case `token`, in any case. */
export function namesToken(value: string, token: string): boolean {
  // A single element, the usual case, and values that are too short need no splitting.
  if (value.length <= token.length) return value.length === token.length && isAt(value, 0, token);
  return value.split(',').some((part) => {
    const element = trimHttpWhitespace(part);
    return element.length === token.length && isAt(element, 0, token);
  });
}

/**
 * Removes leading and trailing HTTP whitespace
 * (https://fetch.spec.whatwg.org/#concept-header-value-normalize).
 */
export function trimHttpWhitespace(value: string): string {
  return trimmedSlice(value, 0, value.length);
}

function trimmedSlice(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isHttpWhitespace(text.charCodeAt(start))) start++;
  while (end > start && isHttpWhitespace(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

export function select<Name extends string>(none: () => Picked<Name>): Selection<Name> {
  const names = Object.keys(none()) as Name[];
  const longest = Math.max(...names.map((name) => name.length));
  const having = (count: number, isSo: (name: Name, value: number) => boolean) =>
    Array.from({ length: count }, (_, value) => {
      const found = names.filter((name) => isSo(name, value));
      return found.length === 0 ? undefined : found;
    });
  return {
    ofLength: having(longest + 1, (name, length) => name.length === length),
    startingWith: having(128, (name, code) => name.charCodeAt(0) === code),
    none,
  };
}

function find<Name extends string>({ ofLength }: Selection<Name>, text: string): Name | undefined {
  const candidates = text.length < ofLength.length ? ofLength[text.length] : undefined;
  if (candidates === undefined) return undefined;
  for (const name of candidates) {
    if (isAt(text, 0, name)) return name;
  }
  return undefined;
}

/**
 * Finds the name of the line that begins at `start`, without searching for its colon, which would dominate
 * the cost.
 */
function findInBlock<Name extends string>(
  { startingWith }: Selection<Name>,
  block: string,
  start: number,
): Name | undefined {
  const code = block.charCodeAt(start) | 0x20;
  const candidates = code < startingWith.length ? startingWith[code] : undefined;
  if (candidates === undefined) return undefined;
  for (const name of candidates) {
    if (block.charCodeAt(start + name.length) === COLON && isAt(block, start, name)) return name;
  }
  return undefined;
}

const COLON = 0x3a;

function join(joined: string | null, value: string): string {
  return joined === null ? value : `${joined}, ${value}`;
}

function isHttpWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a;
}

/**
 * Compares case-insensitively without allocating. `lowerCase` consists of letters and hyphens, to which `|
 * 0x20` maps no other character of a header name. Compares from the end, because `sec-fetch-…` and
 * `access-control-…` differ there.
 */
function isAt(text: string, start: number, lowerCase: string): boolean {
  for (let i = lowerCase.length - 1; i >= 0; i--) {
    if ((text.charCodeAt(start + i) | 0x20) !== lowerCase.charCodeAt(i)) return false;
  }
  return true;
}

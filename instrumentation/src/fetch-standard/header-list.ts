import type { HeaderList } from './decision.ts';

/**
 * Reads one header by its lower-case name: all values of that name, in order, each without surrounding HTTP
 * whitespace, joined by `, ` (Fetch §2.2.2 "get"); null when there is none. What the rules see of headers, so
 * that a hook need not copy what Node already holds.
 */
export interface HeaderReader {
  get(lowerCaseName: string): string | null;
}

/** Over a header list: name and value pairs, as `Headers`, HAR and fixtures give them. */
export function readHeaderList(list: HeaderList): HeaderReader {
  return {
    get(name) {
      let joined: string | null = null;
      for (const [candidate, value] of list) {
        if (isSameName(candidate, name)) joined = append(joined, value);
      }
      return joined;
    },
  };
}

/** Over Node's `rawHeaders`: names at even indexes, values at odd ones. */
export function readRawHeaders(raw: readonly string[]): HeaderReader {
  return {
    get(name) {
      let joined: string | null = null;
      for (let i = 0; i + 1 < raw.length; i += 2) {
        if (isSameName(raw[i] as string, name)) joined = append(joined, raw[i + 1] as string);
      }
      return joined;
    },
  };
}

/** Over an HTTP/1.1 header block as it goes over the wire: a first line to skip, then lines ended by CR LF. */
export function readHeaderBlock(block: string): HeaderReader {
  return {
    get(name) {
      let joined: string | null = null;
      let start = block.indexOf('\r\n') + 2;
      while (start > 1 && start < block.length) {
        let end = block.indexOf('\r\n', start);
        if (end === -1) end = block.length;
        const colon = start + name.length;
        if (block.charCodeAt(colon) === 0x3a && isNameAt(block, start, name)) {
          joined = append(joined, block.slice(colon + 1, end));
        }
        start = end + 2;
      }
      return joined;
    },
  };
}

/** Whether a comma-separated header value names the lower-case `token`, in any case. */
export function namesToken(value: string, token: string): boolean {
  return value.split(',').some((part) => isSameName(trimHttpWhitespace(part), token));
}

/** Without leading and trailing HTTP whitespace: space, tab, CR, LF (Fetch §2.2.2 "normalize" a value). */
export function trimHttpWhitespace(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isHttpWhitespace(value.charCodeAt(start))) start++;
  while (end > start && isHttpWhitespace(value.charCodeAt(end - 1))) end--;
  return start === 0 && end === value.length ? value : value.slice(start, end);
}

function append(joined: string | null, value: string): string {
  const trimmed = trimHttpWhitespace(value);
  return joined === null ? trimmed : `${joined}, ${trimmed}`;
}

function isHttpWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a;
}

function isSameName(name: string, lowerCaseName: string): boolean {
  return name.length === lowerCaseName.length && isNameAt(name, 0, lowerCaseName);
}

/** Byte-case-insensitive comparison without allocating; header names are ASCII. */
function isNameAt(text: string, start: number, lowerCaseName: string): boolean {
  for (let i = 0; i < lowerCaseName.length; i++) {
    const code = text.charCodeAt(start + i);
    const lower = code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
    if (lower !== lowerCaseName.charCodeAt(i)) return false;
  }
  return true;
}

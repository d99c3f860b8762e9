import type { HeaderList } from './decision.ts';
import { trimHttpWhitespace } from './header-list.ts';

/** https://fetch.spec.whatwg.org/#cors-safelisted-method; case-sensitive. */
export function isSafelistedMethod(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'POST';
}

/**
 * Whether a header with this value needs no preflight:
 * https://fetch.spec.whatwg.org/#cors-safelisted-request-header
 *
 * @param name lower-case
 */
export function isSafelistedRequestHeader(name: string, value: string): boolean {
  if (value.length > 128) return false;
  switch (name) {
    case 'accept':
      return !hasUnsafeByte(value);
    case 'accept-language':
    case 'content-language':
      return isLanguageValue(value);
    case 'content-type':
      return !hasUnsafeByte(value) && isFormContentType(value);
    case 'range':
      return isSimpleRange(value);
    default:
      return false;
  }
}

/**
 * The names that a browser sends in Access-Control-Request-Headers
 * (https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names): lower-case, sorted, unique. Safelisted
 * headers are included once their values exceed 1024 bytes in total.
 */
export function unsafeRequestHeaderNames(headers: HeaderList): readonly string[] {
  const unsafe = new Set<string>();
  const safelisted: string[] = [];
  let safelistedBytes = 0;
  for (const [rawName, value] of headers) {
    const name = rawName.toLowerCase();
    if (isSafelistedRequestHeader(name, value)) {
      safelisted.push(name);
      safelistedBytes += value.length;
    } else {
      unsafe.add(name);
    }
  }
  if (safelistedBytes > 1024) for (const name of safelisted) unsafe.add(name);
  return [...unsafe].sort();
}

/** Whether an HTML form, or a request of mode `no-cors`, can send this Content-Type. */
export function isFormContentType(value: string): boolean {
  const semicolon = value.indexOf(';');
  const essence = trimHttpWhitespace(semicolon === -1 ? value : value.slice(0, semicolon)).toLowerCase();
  return (
    essence === 'application/x-www-form-urlencoded' ||
    essence === 'multipart/form-data' ||
    essence === 'text/plain'
  );
}

/** https://fetch.spec.whatwg.org/#cors-unsafe-request-header-byte */
function hasUnsafeByte(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f || UNSAFE.includes(value[i] as string)) return true;
  }
  return false;
}

const UNSAFE = '"():<>?@[\\]{}';

function isLanguageValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    const isLetter = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
    if (!isLetter && !(code >= 0x30 && code <= 0x39) && !' *,-.;='.includes(value[i] as string)) return false;
  }
  return true;
}

/**
 * https://fetch.spec.whatwg.org/#simple-range-header-value with a start and without whitespace (`bytes=0-`,
 * `bytes=0-499`).
 */
function isSimpleRange(value: string): boolean {
  const match = /^bytes=([0-9]{1,15})-([0-9]{0,15})$/.exec(value);
  if (match === null) return false;
  return match[2] === '' || Number(match[1]) <= Number(match[2]);
}

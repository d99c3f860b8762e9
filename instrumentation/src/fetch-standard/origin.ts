import { maskOrigin, REST } from './mask.ts';

/** The server's own origin, as far as it is known. */
export interface OwnOrigin {
  /** Undefined when a proxy may terminate TLS; then only the host is compared. */
  readonly scheme: 'http' | 'https' | undefined;
  /** As in `Host`: with the port, unless it is the scheme's default. */
  readonly host: string;
}

const MAX_LENGTH = 256;
const INVALID = '(invalid) ';

/**
 * Normalises an Origin header. A serialised origin
 * (https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin) or `null` is
 * kept; anything that no browser sends becomes `(invalid) ` and its scheme, host and port (see
 * `maskOrigin`), because it may be a URL with a token or a password. At most 256 characters; idempotent.
 */
export function normaliseOrigin(origin: string): string {
  if (origin.length <= MAX_LENGTH && isSerialisedOrigin(origin)) return origin;
  const text = INVALID + maskOrigin(origin.startsWith(INVALID) ? origin.slice(INVALID.length) : origin);
  return text.length <= MAX_LENGTH ? text : INVALID + REST;
}

/** Whether `origin` is `null` or exactly what a browser's serialiser produces. */
export function isSerialisedOrigin(origin: string): boolean {
  if (origin === 'null') return true;
  const schemeEnd = origin.indexOf('://');
  if (schemeEnd < 1) return false;
  const scheme = origin.slice(0, schemeEnd);
  if (scheme !== 'https' && scheme !== 'http') return isOpaqueOrigin(origin, scheme, schemeEnd + 3);
  return isPlainHost(origin, schemeEnd + 3) || isUrlOrigin(origin);
}

/**
 * Whether a serialised origin is the server's own. Hosts are compared case-insensitively and without the
 * default port, because `Host` may spell them in different ways.
 */
export function isOwnOrigin(origin: string, own: OwnOrigin): boolean {
  const schemeEnd = origin.indexOf('://');
  if (schemeEnd < 1) return false;
  const scheme = origin.slice(0, schemeEnd);
  if (own.scheme !== undefined && own.scheme !== scheme) return false;
  const host = origin.slice(schemeEnd + 3);
  if (host === own.host) return true;
  return withoutDefaultPort(own.host.toLowerCase(), scheme) === withoutDefaultPort(host, scheme);
}

function withoutDefaultPort(host: string, scheme: string): string {
  const port = scheme === 'https' ? ':443' : scheme === 'http' ? ':80' : '';
  return port !== '' && host.endsWith(port) ? host.slice(0, -port.length) : host;
}

/**
 * Recognises the common case without a URL parser: lower-case letters, digits, dots and hyphens, no port.
 * Potential IPv4 addresses (last label starts with a digit) and IDNA names (`xn--`) are left to the parser.
 */
function isPlainHost(origin: string, start: number): boolean {
  let labelStart = start;
  for (let i = start; i < origin.length; i++) {
    const code = origin.charCodeAt(i);
    if (code === 0x2e) labelStart = i + 1;
    else if (!(code >= 0x61 && code <= 0x7a) && !isDigit(code) && code !== 0x2d) return false;
  }
  if (labelStart >= origin.length || isDigit(origin.charCodeAt(labelStart))) return false;
  return !origin.includes('xn--', start);
}

/** Whether the URL parser and serialiser leave the text unchanged. */
function isUrlOrigin(origin: string): boolean {
  return URL.canParse(origin) && new URL(origin).origin === origin;
}

/** Origins of extensions and apps (`chrome-extension://…`, `capacitor://localhost`, Android's `file://`). */
function isOpaqueOrigin(origin: string, scheme: string, hostStart: number): boolean {
  if (scheme === 'file') return hostStart === origin.length;
  for (let i = 0; i < scheme.length; i++) {
    const code = scheme.charCodeAt(i);
    const isLetter = code >= 0x61 && code <= 0x7a;
    if (!isLetter && (i === 0 || !(isDigit(code) || code === 0x2b || code === 0x2d || code === 0x2e))) {
      return false;
    }
  }
  return OPAQUE_HOST.test(origin.slice(hostStart));
}

/** An optional port; any other colon would belong to a password. */
const OPAQUE_HOST = /^[A-Za-z0-9._-]+(?::\d{1,5})?$/;

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

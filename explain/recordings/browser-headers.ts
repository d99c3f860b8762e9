/**
 * https://fetch.spec.whatwg.org/#forbidden-request-header except Cookie, because the user stands in for the
 * browser's cookie store.
 */
export function isSetByBrowser(lowerCaseName: string): boolean {
  return (
    FORBIDDEN.has(lowerCaseName) || lowerCaseName.startsWith('sec-') || lowerCaseName.startsWith('proxy-')
  );
}

const FORBIDDEN: ReadonlySet<string> = new Set([
  'accept-charset',
  'accept-encoding',
  'access-control-request-headers',
  'access-control-request-method',
  'connection',
  'content-length',
  'cookie2',
  'date',
  'dnt',
  'expect',
  'host',
  'keep-alive',
  'origin',
  'referer',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
]);

/** Whether a header was set by the page, as far as it can be distinguished from those that browsers add. */
export function isSetByPage(name: string, value: string): boolean {
  const lower = name.toLowerCase();
  return !(
    lower.startsWith(':') ||
    isSetByBrowser(lower) ||
    ADDED.has(lower) ||
    (lower === 'accept' && value === '*/*')
  );
}

const ADDED: ReadonlySet<string> = new Set([
  'accept-language',
  'cache-control',
  'cookie',
  'if-modified-since',
  'if-none-match',
  'pragma',
  'priority',
  'user-agent',
]);

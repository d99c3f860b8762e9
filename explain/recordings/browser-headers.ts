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

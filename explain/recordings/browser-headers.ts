/** Fetch §2.2.2 "forbidden request-header", but for Cookie: a person stands for the browser's cookie jar. */
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

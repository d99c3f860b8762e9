import type { HeaderList, Reason } from '../../instrumentation/src/fetch-standard/decision.ts';
import type { Answer, BrowserCase, Hop } from './browser-case.ts';

/** A case with what it shows. */
export interface NamedCase {
  readonly browserCase: BrowserCase;
  /** The browser's reason; empty when allowed. */
  readonly reason: Reason | '';
  /** What a server decides from what it saw. */
  readonly seen: Reason | '';
}

type Verdict = Reason | '';
type Setting = Partial<Omit<BrowserCase, 'name' | 'hops'>> & { readonly seen?: Verdict };

const ALLOW_PAGE = ['Access-Control-Allow-Origin', '{page}'] as const;
const ALLOW_ANY = ['Access-Control-Allow-Origin', '*'] as const;
const ALLOW_CREDENTIALS = ['Access-Control-Allow-Credentials', 'true'] as const;
const ALLOW_PUT = ['Access-Control-Allow-Methods', 'PUT'] as const;
const OTHER_ORIGIN = ['Access-Control-Allow-Origin', 'http://other.example'] as const;
const allowOrigin = (value: string) => ['Access-Control-Allow-Origin', value] as const;
const allowCredentials = (value: string) => ['Access-Control-Allow-Credentials', value] as const;
const allowMethods = (value: string) => ['Access-Control-Allow-Methods', value] as const;
const allowHeaders = (value: string) => ['Access-Control-Allow-Headers', value] as const;
const location = (value: string) => ['Location', value] as const;

const answer = (status: number, ...headers: HeaderList): Answer => ({ status, headers });
const ok = (...headers: HeaderList): Answer => answer(200, ...headers);
/** What a preflight needs in addition to its method and headers, in any credentials mode. */
const granted = (...headers: HeaderList): Answer => answer(204, ALLOW_PAGE, ALLOW_CREDENTIALS, ...headers);
const GRANTED = granted();

const INCLUDE: Setting = { credentials: 'include' };
const COOKIE: Setting = { credentials: 'include', cookie: true };
/** A server cannot see the credentials mode of Chromium's preflights. */
const UNSEEN: Setting = { credentials: 'include', seen: 'credentials_mode_unknown' };
const SANDBOXED: Setting = { page: 'sandboxed' };
const INSECURE: Setting = { page: 'insecure' };
const INSECURE_POST: Setting = { page: 'insecure', method: 'POST', body: 'x', seen: 'kind_ambiguous' };
const asking = (...names: string[]): Setting => ({ headers: names.map((name) => [name, '1']) });
const ETAG = ['ETag', '"1"'] as const;
const REVALIDATED: Setting = { stored: ok(ALLOW_PAGE, ETAG, ['Cache-Control', 'no-cache']) };

function along(
  reason: Verdict,
  how: string,
  { seen, ...sent }: Setting,
  hops: BrowserCase['hops'],
): NamedCase {
  const name = `${reason || 'allowed'}: ${how}`;
  const plain = { page: 'plain', method: 'GET', headers: [], credentials: 'omit', cookie: false } as const;
  return { browserCase: { name, ...plain, ...sent, hops }, reason, seen: seen ?? reason };
}

const hop = (host: Hop['host'], actual: Answer, preflight: Answer = ok()): Hop => ({
  host,
  preflight,
  actual,
});

/** A GET without a preflight. */
const actual = (reason: Verdict, how: string, response: Answer, setting: Setting = {}): NamedCase =>
  along(reason, how, setting, [hop('api', response)]);

/** A PUT whose preflight decides. */
const preflight = (reason: Verdict, how: string, response: Answer, setting: Setting = {}): NamedCase =>
  along(reason, how, { method: 'PUT', ...setting }, [hop('api', GRANTED, response)]);

/** At least one case for each reason, on the preflight and on the request itself where both exist. */
export const namedCases: readonly NamedCase[] = [
  actual('', 'the exact origin', ok(ALLOW_PAGE)),
  actual('', 'whitespace around the exact origin', ok(allowOrigin('\t {page} '))),
  actual('', 'a wildcard', ok(ALLOW_ANY)),
  actual('', 'credentials', GRANTED, COOKIE),
  actual('', 'a server error that names the origin', answer(500, ALLOW_PAGE)),
  actual('acao_missing', 'nothing', ok()),
  actual('acao_missing', 'a proxy that failed', answer(502)),
  actual('acao_missing', 'a 304 that nobody asked for', answer(304)),
  actual('acao_multiple', 'the same header twice', ok(ALLOW_PAGE, ALLOW_PAGE)),
  actual('acao_multiple', 'two wildcards', ok(ALLOW_ANY, ALLOW_ANY)),
  actual('acao_multiple', 'a list', ok(allowOrigin('{page}, http://other.example'))),
  actual('acao_invalid', 'a host name', ok(allowOrigin('a.localhost'))),
  actual('acao_invalid', 'an empty value', ok(allowOrigin(''))),
  actual('acao_invalid', 'a pattern without a scheme', ok(allowOrigin('*.localhost'))),
  actual('acao_mismatch', 'another origin', ok(OTHER_ORIGIN)),
  actual('acao_mismatch', 'a slash', ok(allowOrigin('{page}/'))),
  actual('acao_mismatch', 'null', ok(allowOrigin('null'))),
  actual('acao_mismatch', 'a pattern', ok(allowOrigin('http://*.localhost'))),
  actual('acao_wildcard_with_credentials', 'no cookie yet', ok(ALLOW_ANY, ALLOW_CREDENTIALS), INCLUDE),
  actual('acao_wildcard_with_credentials', 'a cookie', ok(ALLOW_ANY), COOKIE),
  actual('acac_not_true', 'nothing', ok(ALLOW_PAGE), INCLUDE),
  actual('acac_not_true', 'another case', ok(ALLOW_PAGE, allowCredentials('True')), COOKIE),
  actual('acac_not_true', 'the same header twice', granted(ALLOW_CREDENTIALS), COOKIE),
  actual('', 'a sandboxed page under null', ok(allowOrigin('null'), ALLOW_CREDENTIALS), SANDBOXED),
  actual('acao_mismatch', 'a sandboxed page under another origin', ok(OTHER_ORIGIN), SANDBOXED),
  actual('', 'a stored Allow-Origin', answer(304, ETAG), { ...REVALIDATED, seen: 'not_modified' }),
  along(
    'acao_missing',
    'a 304 that the page asked for itself',
    { ...asking('If-None-Match'), seen: 'not_modified' },
    [hop('api', answer(304, ETAG), granted(allowHeaders('if-none-match')))],
  ),
  actual('acao_mismatch', 'a 304 with another origin', answer(304, ETAG, OTHER_ORIGIN), REVALIDATED),
  actual('', 'an insecure host', ok(ALLOW_PAGE), { ...INSECURE, seen: 'credentials_mode_unknown' }),
  actual('acao_missing', 'an insecure host', ok(), INSECURE),
  actual('acao_missing', 'a POST that a form could have sent', ok(), INSECURE_POST),
  actual('', 'a POST of mode no-cors', ok(), { ...INSECURE_POST, mode: 'no-cors' }),

  preflight('', 'method and origin', granted(ALLOW_PUT)),
  preflight('', 'empty list elements', granted(allowMethods(', ,PUT,,'))),
  preflight('', 'a safelisted method needs no leave', granted(allowHeaders('X-A')), {
    method: 'POST',
    ...asking('x-a'),
  }),
  preflight('acao_missing', 'a preflight', ok(ALLOW_PUT)),
  preflight('acao_missing', 'it precedes the status', answer(403)),
  preflight('acao_missing', 'an insecure preflight', ok(), INSECURE),
  preflight('acao_multiple', 'a preflight', ok(allowOrigin('{page} http://other.example'), ALLOW_PUT)),
  preflight('acao_invalid', 'a preflight', ok(allowOrigin('x'), ALLOW_PUT)),
  preflight('acao_mismatch', 'a preflight', ok(OTHER_ORIGIN, ALLOW_PUT)),
  preflight('acao_wildcard_with_credentials', 'a preflight', ok(ALLOW_ANY, ALLOW_PUT), UNSEEN),
  preflight('acac_not_true', 'a preflight', ok(ALLOW_PAGE, ALLOW_PUT), UNSEEN),
  preflight(
    'preflight_redirect',
    'within the origin',
    answer(301, ...GRANTED.headers, ALLOW_PUT, location('/x')),
  ),
  preflight('preflight_redirect', 'it precedes the origin', answer(307, location('http://other.example/'))),
  preflight('preflight_status_not_ok', 'authentication', answer(401, ...GRANTED.headers, ALLOW_PUT)),
  preflight(
    'preflight_status_not_ok',
    'a redirect to nowhere',
    answer(302, ...GRANTED.headers, location('')),
  ),
  preflight('acam_malformed', 'no commas', granted(allowMethods('GET PUT'))),
  preflight('acah_malformed', 'no header was asked for', granted(ALLOW_PUT, allowHeaders('"x-a"'))),
  preflight('method_not_allowed', 'a list without it', granted(allowMethods('GET, POST'))),
  preflight('method_not_allowed', 'another case', granted(allowMethods('PATCH')), { method: 'patch' }),
  preflight('method_not_allowed', 'a wildcard with credentials', granted(allowMethods('*')), UNSEEN),
  preflight(
    'header_not_allowed',
    'one of two',
    granted(ALLOW_PUT, allowHeaders('x-b')),
    asking('X-B', 'traceparent'),
  ),
  preflight('header_not_allowed', 'a wildcard with credentials', granted(ALLOW_PUT, allowHeaders('*')), {
    ...UNSEEN,
    ...asking('x-a'),
  }),
  preflight('', 'Authorization under a wildcard', ok(ALLOW_ANY, ALLOW_PUT, allowHeaders('*')), {
    ...asking('Authorization'),
    seen: 'credentials_mode_unknown',
  }),

  along('redirect_url_has_credentials', 'a user and a password', {}, [
    hop('api', answer(302, ALLOW_PAGE, location('http://u:p@{next-host}'))),
    hop('api', GRANTED),
  ]),
  along('redirect_url_has_credentials', 'out of the own origin', {}, [
    hop('page', answer(302, location('http://u@{next-host}'))),
    hop('api', GRANTED),
  ]),
  along('redirect_url_not_http', 'another protocol', {}, [
    hop('api', answer(302, ALLOW_PAGE, location('ftp://other.example/'))),
  ]),
  along('acao_missing', 'a redirect', {}, [hop('api', answer(302, location('{next}'))), hop('api', GRANTED)]),
  along('acao_mismatch', 'the origin is null after a redirect', {}, [
    hop('api', answer(302, ALLOW_PAGE, location('{next}'))),
    hop('third', ok(ALLOW_PAGE)),
  ]),
  along('acao_wildcard_with_credentials', 'a redirect back to the site that the user visits', UNSEEN, [
    hop('api', answer(302, ...GRANTED.headers, location('{next}'))),
    hop('page', ok(ALLOW_ANY)),
  ]),
  along('', 'a redirect to an answer for null', {}, [
    hop('api', answer(302, ALLOW_PAGE, location('{next}'))),
    hop('third', ok(allowOrigin('null'), ALLOW_CREDENTIALS)),
  ]),
];

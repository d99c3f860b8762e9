import type { HeaderList, Reason } from '../../instrumentation/src/fetch-standard/decision.ts';
import type { RecordedExchange, RecordedRequest } from '../recordings/recorded-request.ts';

const PAGE = 'https://app.example';
const API = 'https://api.example/orders';

const ALLOW_PAGE = ['Access-Control-Allow-Origin', PAGE] as const;
const ALLOW_ANY = ['Access-Control-Allow-Origin', '*'] as const;
const allowOrigin = (value: string) => ['Access-Control-Allow-Origin', value] as const;
const allowMethods = (value: string) => ['Access-Control-Allow-Methods', value] as const;
const allowHeaders = (value: string) => ['Access-Control-Allow-Headers', value] as const;
const location = (value: string) => ['Location', value] as const;

const METADATA: HeaderList = [
  ['Sec-Fetch-Mode', 'cors'],
  ['Sec-Fetch-Site', 'cross-site'],
];

function request(exchange: RecordedExchange, credentials?: RecordedRequest['credentials']): RecordedRequest {
  return { origin: PAGE, credentials, exchanges: [exchange] };
}

function get(status: number, ...headers: HeaderList): RecordedExchange {
  return {
    request: { method: 'GET', url: API, headers: [['Origin', PAGE], ...METADATA] },
    response: { status, headers },
  };
}

function preflight(asked: HeaderList, status: number, ...headers: HeaderList): RecordedExchange {
  return {
    request: { method: 'OPTIONS', url: API, headers: [['Origin', PAGE], ...asked, ...METADATA] },
    response: { status, headers },
  };
}

const FOR_PUT: HeaderList = [['Access-Control-Request-Method', 'PUT']];
const FOR_TRACING: HeaderList = [
  ['Access-Control-Request-Method', 'POST'],
  ['Access-Control-Request-Headers', 'content-type,traceparent'],
];

/** A minimal request for each reason. */
export const REASON_EXAMPLES: Readonly<Record<Reason, RecordedRequest>> = {
  acao_missing: request(get(200), 'omit'),
  acao_multiple: request(get(200, allowOrigin(`${PAGE}, *`)), 'omit'),
  acao_invalid: request(get(200, allowOrigin('app.example')), 'omit'),
  acao_mismatch: request(get(200, allowOrigin(`${PAGE}/`)), 'omit'),
  acao_wildcard_with_credentials: request(get(200, ALLOW_ANY), 'include'),
  acac_not_true: request(get(200, ALLOW_PAGE), 'include'),
  preflight_redirect: request(
    preflight(FOR_PUT, 301, ALLOW_PAGE, location('https://api.example/orders/')),
    'omit',
  ),
  preflight_status_not_ok: request(preflight(FOR_PUT, 405, ALLOW_PAGE, allowMethods('PUT')), 'omit'),
  acam_malformed: request(preflight(FOR_PUT, 204, ALLOW_PAGE, allowMethods('GET PUT')), 'omit'),
  acah_malformed: request(
    preflight(FOR_TRACING, 204, ALLOW_PAGE, allowHeaders('content-type; traceparent')),
    'omit',
  ),
  method_not_allowed: request(preflight(FOR_PUT, 204, ALLOW_PAGE, allowMethods('GET, POST')), 'omit'),
  header_not_allowed: request(preflight(FOR_TRACING, 204, ALLOW_PAGE, allowHeaders('content-type')), 'omit'),
  redirect_url_has_credentials: request(
    get(302, ALLOW_PAGE, location('https://user:password@files.example/1')),
    'omit',
  ),
  redirect_url_not_http: request(get(302, ALLOW_PAGE, location('ftp://files.example/1')), 'omit'),
  credentials_mode_unknown: request(preflight(FOR_PUT, 204, ALLOW_ANY, allowMethods('PUT'))),
  kind_ambiguous: request({
    request: {
      method: 'POST',
      url: 'http://api.example/orders',
      headers: [
        ['Origin', 'http://app.example'],
        ['Content-Type', 'text/plain'],
      ],
    },
    response: { status: 200, headers: [] },
  }),
  not_modified: request(
    {
      request: {
        method: 'GET',
        url: API,
        headers: [['Origin', PAGE], ['If-None-Match', '"1"'], ...METADATA],
      },
      response: { status: 304, headers: [] },
    },
    'omit',
  ),
  headers_not_captured: request(
    {
      request: { method: 'GET', url: API, headers: [['Origin', PAGE], ...METADATA] },
      response: { status: undefined, headers: undefined },
    },
    'omit',
  ),
};

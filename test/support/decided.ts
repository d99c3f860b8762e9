import { decide } from '../../instrumentation/src/fetch-standard/decide.ts';
import type { Decision, HeaderList } from '../../instrumentation/src/fetch-standard/decision.ts';
import type { Context } from '../../instrumentation/src/fetch-standard/observed-exchange.ts';

export const PAGE = 'https://app.example.com';
export const CORS_METADATA: HeaderList = [
  ['Sec-Fetch-Site', 'cross-site'],
  ['Sec-Fetch-Mode', 'cors'],
];

interface Setting {
  readonly method?: string;
  /** Further request headers. */
  readonly headers?: HeaderList;
  readonly status?: number;
}

/** A request of a page on another site, without anything that shows its credentials mode. */
export function actual(headers: HeaderList, setting: Setting = {}, context: Context = {}): Decision {
  const { method = 'GET', status = 200 } = setting;
  const asked: HeaderList = [['Origin', PAGE], ...CORS_METADATA, ...(setting.headers ?? [])];
  return decide(
    { request: { method, url: '/data', headers: asked }, response: { status, headers } },
    context,
  );
}

export function preflight(
  asked: { method?: string; headers?: string },
  headers: HeaderList,
  status = 204,
  context: Context = {},
): Decision {
  const question: [string, string][] = [['Access-Control-Request-Method', asked.method ?? 'PUT']];
  if (asked.headers !== undefined) question.push(['Access-Control-Request-Headers', asked.headers]);
  const request = { method: 'OPTIONS', url: '/data', headers: [['Origin', PAGE] as const, ...question] };
  return decide({ request, response: { status, headers } }, context);
}

export const ALLOW_PAGE = ['Access-Control-Allow-Origin', PAGE] as const;
export const ALLOW_ANY = ['Access-Control-Allow-Origin', '*'] as const;
export const ALLOW_CREDENTIALS = ['Access-Control-Allow-Credentials', 'true'] as const;
export const ALLOW_PUT = ['Access-Control-Allow-Methods', 'GET, PUT'] as const;
export const COOKIE = ['Cookie', 'session=1'] as const;

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

export const ALLOW_PAGE = ['Access-Control-Allow-Origin', '{page}'] as const;
export const ALLOW_ANY = ['Access-Control-Allow-Origin', '*'] as const;
export const ALLOW_CREDENTIALS = ['Access-Control-Allow-Credentials', 'true'] as const;
export const ALLOW_PUT = ['Access-Control-Allow-Methods', 'PUT'] as const;
export const OTHER_ORIGIN = ['Access-Control-Allow-Origin', 'http://other.example'] as const;
export const allowOrigin = (value: string) => ['Access-Control-Allow-Origin', value] as const;
export const allowCredentials = (value: string) => ['Access-Control-Allow-Credentials', value] as const;
export const allowMethods = (value: string) => ['Access-Control-Allow-Methods', value] as const;
export const allowHeaders = (value: string) => ['Access-Control-Allow-Headers', value] as const;
export const location = (value: string) => ['Location', value] as const;

export const answer = (status: number, ...headers: HeaderList): Answer => ({ status, headers });
export const ok = (...headers: HeaderList): Answer => answer(200, ...headers);
/** What a preflight needs in addition to its method and headers, in any credentials mode. */
export const granted = (...headers: HeaderList): Answer =>
  answer(204, ALLOW_PAGE, ALLOW_CREDENTIALS, ...headers);
export const GRANTED = granted();

export const INCLUDE: Setting = { credentials: 'include' };
export const COOKIE: Setting = { credentials: 'include', cookie: true };
/** A server cannot see the credentials mode of Chromium's preflights. */
export const UNSEEN: Setting = { credentials: 'include', seen: 'credentials_mode_unknown' };
export const SANDBOXED: Setting = { page: 'sandboxed' };
export const INSECURE: Setting = { page: 'insecure' };
export const INSECURE_POST: Setting = { page: 'insecure', method: 'POST', body: 'x', seen: 'kind_ambiguous' };
export const asking = (...names: string[]): Setting => ({ headers: names.map((name) => [name, '1']) });
export const ETAG = ['ETag', '"1"'] as const;
export const REVALIDATED: Setting = { stored: ok(ALLOW_PAGE, ETAG, ['Cache-Control', 'no-cache']) };

export function along(
  reason: Verdict,
  how: string,
  { seen, ...sent }: Setting,
  hops: BrowserCase['hops'],
): NamedCase {
  const name = `${reason || 'allowed'}: ${how}`;
  const plain = { page: 'plain', method: 'GET', headers: [], credentials: 'omit', cookie: false } as const;
  return { browserCase: { name, ...plain, ...sent, hops }, reason, seen: seen ?? reason };
}

export const hop = (host: Hop['host'], actual: Answer, preflight: Answer = ok()): Hop => ({
  host,
  preflight,
  actual,
});

/** A GET without a preflight. */
export const actual = (reason: Verdict, how: string, response: Answer, setting: Setting = {}): NamedCase =>
  along(reason, how, setting, [hop('api', response)]);

/** A PUT whose preflight decides. */
export const preflight = (reason: Verdict, how: string, response: Answer, setting: Setting = {}): NamedCase =>
  along(reason, how, { method: 'PUT', ...setting }, [hop('api', GRANTED, response)]);

/** A request of a page to `/orders/…` on another site. */
export interface PageCall {
  /** The page's host: the allowed one, or an unknown one. */
  readonly page: 'a.localhost' | 'c.localhost';
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly credentials?: 'include';
}

const JSON_BODY = { 'content-type': 'application/json' };

/** Sent to every middleware; those of one page are adjacent, because there is one tab. */
export const pageCalls = {
  allowed: { page: 'a.localhost', method: 'GET' },
  'allowed, JSON': { page: 'a.localhost', method: 'POST', headers: JSON_BODY },
  credentials: { page: 'a.localhost', method: 'GET', credentials: 'include' },
  'credentials, JSON': { page: 'a.localhost', method: 'POST', headers: JSON_BODY, credentials: 'include' },
  'blocked method': { page: 'a.localhost', method: 'DELETE' },
  'method in lower case': { page: 'a.localhost', method: 'patch' },
  'method OPTIONS': { page: 'a.localhost', method: 'OPTIONS' },
  'blocked header': { page: 'a.localhost', method: 'GET', headers: { 'x-unlisted': '1' } },
  'blocked origin': { page: 'c.localhost', method: 'GET' },
  'blocked origin, JSON': { page: 'c.localhost', method: 'POST', headers: JSON_BODY },
} satisfies Record<string, PageCall>;

/** A realistic server, and the decisions about its responses. */
export interface Middleware {
  /**
   * Listens until the test ends.
   * @param page the origin that is to be allowed
   * @returns the base URL
   */
  readonly start: (page: string) => Promise<string>;
  /** Of each call: the decisions in the order of the requests, a verdict or the reason why not. */
  readonly decisions: Readonly<Record<keyof typeof pageCalls, string>>;
}

/** The decisions if one page may GET and POST JSON with credentials, and nothing else is allowed. */
export const asListed: Middleware['decisions'] = {
  allowed: 'allowed',
  'allowed, JSON': 'allowed, allowed',
  credentials: 'allowed',
  'credentials, JSON': 'allowed, allowed',
  'blocked method': 'method_not_allowed',
  'method in lower case': 'method_not_allowed',
  'method OPTIONS': 'method_not_allowed',
  'blocked header': 'header_not_allowed',
  'blocked origin': 'acao_missing',
  'blocked origin, JSON': 'acao_missing',
};

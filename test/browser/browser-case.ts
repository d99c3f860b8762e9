import type { Exchange, HeaderList } from '../../instrumentation/src/fetch-standard/decision.ts';

/** The kind of page, which determines its Origin and whether fetch metadata is sent. */
export const PAGES = ['plain', 'sandboxed', 'insecure'] as const;
export type Page = (typeof PAGES)[number];

export interface Answer {
  readonly status: number;
  /** `{page}` in a value stands for the page's origin, `{next}` for the URL of the next hop. */
  readonly headers: HeaderList;
}

/** One hop of a request: what the server answers to a preflight, should one come, and to the request itself. */
export interface Hop {
  readonly host: 'api' | 'page' | 'third';
  readonly preflight: Answer;
  readonly actual: Answer;
}

/** A `fetch` call of a page, and the responses. */
export interface BrowserCase {
  readonly name: string;
  readonly page: Page;
  readonly method: string;
  readonly headers: HeaderList;
  readonly body?: string;
  readonly mode?: 'cors' | 'no-cors' | 'same-origin';
  /** What sends it; `fetch` when absent. Of all others only what the server saw is of interest. */
  readonly sender?: 'form' | 'image' | 'module' | 'event-source' | 'websocket';
  readonly credentials: 'omit' | 'same-origin' | 'include';
  /** A cookie for the API's host is in the browser. */
  readonly cookie: boolean;
  /** Answer to a first, identical request, which the browser stores and the real one revalidates. */
  readonly stored?: Answer;
  readonly hops: readonly [Hop, ...Hop[]];
}

/** What the browser did, and what the server saw. */
export interface Outcome {
  readonly allowed: boolean;
  /** Chromium's `corsError`; undefined when allowed, or when the request failed for another reason. */
  readonly corsError: string | undefined;
  /** `net::ERR_…`; undefined when allowed. */
  readonly error: string | undefined;
  /** In wire order. */
  readonly exchanges: readonly Exchange[];
}

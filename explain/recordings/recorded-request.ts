import type { HeaderList } from '../../instrumentation/src/fetch-standard/decision.ts';

/** One exchange as somebody recorded it. What was not recorded is undefined, which is not the same as empty. */
export interface RecordedExchange {
  readonly request: {
    readonly method: string;
    /** Absolute; of a server's recording perhaps only the request target. */
    readonly url: string;
    readonly headers: HeaderList | undefined;
  };
  readonly response: {
    readonly status: number | undefined;
    readonly headers: HeaderList | undefined;
    /** Of a 304: the answer that the browser had stored and merges it with, where that is known. */
    readonly stored?: HeaderList | undefined;
  };
}

/** `default` is what a page gets that does not ask: across origins the same as `same-origin`. */
export const CREDENTIALS_MODES = ['include', 'default', 'omit', 'same-origin'] as const;
export type CredentialsMode = (typeof CREDENTIALS_MODES)[number];

/** One request of a page with all that it led to. */
export interface RecordedRequest {
  readonly id?: string | number | undefined;
  /** The page's. */
  readonly origin?: string | undefined;
  /** What the page asked for, where that is known. */
  readonly credentials?: CredentialsMode | undefined;
  /** A script's request, known to be of mode `cors` though not all of its exchanges show it. */
  readonly mode?: 'cors' | undefined;
  /** Preflights, redirects and the request itself in wire order. */
  readonly exchanges: readonly RecordedExchange[];
}

/** The first value of a header; undefined when it is not there or nothing was recorded. */
export function headerOf(headers: HeaderList | undefined, lowerCaseName: string): string | undefined {
  return headers?.find(
    ([name]) => name.length === lowerCaseName.length && name.toLowerCase() === lowerCaseName,
  )?.[1];
}

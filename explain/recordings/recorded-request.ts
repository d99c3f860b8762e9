import type { HeaderList } from '../../instrumentation/src/fetch-standard/decision.ts';
import type { Browser } from '../browsers.ts';

/** One recorded exchange. Unrecorded parts are undefined, which is not the same as empty. */
export interface RecordedExchange {
  readonly request: {
    readonly method: string;
    /** Absolute; in a server's recording possibly only the request target. */
    readonly url: string;
    readonly headers: HeaderList | undefined;
    /** Headers that were not those on the wire: what the page asked for, without what the browser adds. */
    readonly provisional?: HeaderList | undefined;
  };
  readonly response: {
    readonly status: number | undefined;
    readonly headers: HeaderList | undefined;
    /** For a 304: the stored response that the browser merges it with, if known. */
    readonly stored?: HeaderList | undefined;
    /** The error that the browser recorded, such as `net::ERR_EMPTY_RESPONSE`. */
    readonly error?: string | undefined;
  };
}

/** `default` is the mode of a page that specifies none: across origins the same as `same-origin`. */
export const CREDENTIALS_MODES = ['include', 'default', 'omit', 'same-origin'] as const;
export type CredentialsMode = (typeof CREDENTIALS_MODES)[number];

/** One request of a page with all its exchanges. */
export interface RecordedRequest {
  readonly id?: string | number | undefined;
  /** The page's. */
  readonly origin?: string | undefined;
  /** The mode requested by the page, if known. */
  readonly credentials?: CredentialsMode | undefined;
  /** A script's request, known to have the mode `cors` although not all of its exchanges show it. */
  readonly mode?: 'cors' | undefined;
  /** The browser that sent it, if known. */
  readonly browser?: Browser | undefined;
  /** What became of it in that browser, if the recording shows it. */
  readonly outcome?: 'delivered' | 'failed' | undefined;
  /** The recorder leaves out the responses of blocked requests. */
  readonly omitsBlocked?: boolean | undefined;
  /** Preflights, redirects and the request itself in wire order. */
  readonly exchanges: readonly RecordedExchange[];
}

/** The first value of a header; undefined when absent or not recorded. */
export function headerOf(headers: HeaderList | undefined, lowerCaseName: string): string | undefined {
  return headers?.find(
    ([name]) => name.length === lowerCaseName.length && name.toLowerCase() === lowerCaseName,
  )?.[1];
}

type AskingRequest = Pick<RecordedExchange['request'], 'method' | 'headers'>;

/** The method that a preflight asks for; undefined of other requests. */
export function requestedMethod({ method, headers }: AskingRequest): string | undefined {
  return method === 'OPTIONS' ? headerOf(headers, 'access-control-request-method') : undefined;
}

export function isPreflight(request: AskingRequest): boolean {
  return requestedMethod(request) !== undefined;
}

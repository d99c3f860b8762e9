import type { Reason } from '../../instrumentation/src/fetch-standard/decision.ts';
import type { Browser } from '../browsers.ts';

/** A message found in a text, with its values. */
export interface FoundMessage {
  readonly browser: Browser;
  readonly reasons: readonly [Reason, ...Reason[]];
  readonly ofPreflight: boolean;
  /** The fetched URL, after redirects the last one; undefined when the message does not contain it. */
  readonly url: string | undefined;
  /** The URL that the page requested, if the request was redirected. */
  readonly firstUrl: string | undefined;
  readonly origin: string | undefined;
  /** The failing token, if the message contains it. */
  readonly detail: string;
  /** The message contains the failing token, or there is none. */
  readonly isDetailKnown: boolean;
  /** The status of the response, if the message contains it. */
  readonly status: number | undefined;
}

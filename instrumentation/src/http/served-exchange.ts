import type { IncomingMessage } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { ObservedExchange } from '../fetch-standard/observed-exchange.ts';

/** The request as passed to hooks: Node's own object, an HTTP/2 stream, or a fetch `Request`. */
export type RawRequest = IncomingMessage | ServerHttp2Stream | Request;

/** An exchange with what only its server knows. */
export interface ServedExchange extends ObservedExchange {
  /** `Host` or `:authority` as received. */
  readonly authority: string | undefined;
  /** TLS is terminated in this process. */
  readonly isEncrypted: boolean;
  readonly remoteAddress: string | undefined;
  /** The route template according to the framework. */
  readonly route: string | undefined;
  /** The route template according to the application (`setRoute`). */
  readonly declaredRoute?: string | undefined;
  /** False when the response's headers could not be read. */
  readonly responseHeadersCaptured: boolean;
  readonly raw: RawRequest;
}

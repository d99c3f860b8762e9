import type { IncomingMessage } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { ObservedExchange } from '../fetch-standard/observed-exchange.ts';

/** What a hook gets to see of the request: Node's own object, an HTTP/2 stream, or a fetch `Request`. */
export type RawRequest = IncomingMessage | ServerHttp2Stream | Request;

/** An exchange, and what only the server that served it knows. */
export interface ServedExchange extends ObservedExchange {
  /** `Host` or `:authority` as received. */
  readonly authority: string | undefined;
  /** The connection ended in this process with TLS. */
  readonly isEncrypted: boolean;
  readonly remoteAddress: string | undefined;
  /** The route template as the framework knows it. */
  readonly route: string | undefined;
  /** False when the response's headers could not be read. */
  readonly responseHeadersCaptured: boolean;
  readonly raw: RawRequest;
}

import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import { OriginscopeError } from '../errors.ts';

export interface BodyLimits {
  /** Bytes after inflating. */
  readonly maxBytes: number;
  /** Asked for every chunk before it is kept; false turns the request away. */
  readonly hold: (bytes: number) => boolean;
}

/** What inflating takes beside its output: zlib's window and one chunk. */
const GUNZIP_BYTES = 128 * 1024;
const GUNZIP_CHUNK = 64 * 1024;

/**
 * The body of a request, inflated when it is gzip. Stops reading, and inflating, as soon as a limit is passed,
 * and lets the rest of the request run dry so that the sender can read the answer.
 *
 * Throws OriginscopeError `BODY_TOO_LARGE`, `OVERLOADED` (retryable), `CONTENT_ENCODING_UNSUPPORTED`,
 * `BODY_MALFORMED` when it is no gzip, `BODY_ABORTED` when the sender went away.
 */
export function readBody(request: IncomingMessage, { maxBytes, hold }: BodyLimits): Promise<Buffer> {
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding !== 'identity' && encoding !== 'gzip') return Promise.reject(unsupported());
  if (Number(request.headers['content-length']) > maxBytes) return Promise.reject(tooLarge(maxBytes));
  if (encoding === 'gzip' && !hold(GUNZIP_BYTES)) return Promise.reject(overloaded());

  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const gunzip = encoding === 'gzip' ? createGunzip({ chunkSize: GUNZIP_CHUNK }) : undefined;
    const output = gunzip === undefined ? request : request.pipe(gunzip);

    const settle = (outcome: () => void): void => {
      output.off('data', keep).off('end', end);
      if (gunzip !== undefined) {
        request.unpipe(gunzip);
        gunzip.destroy();
      }
      request.off('close', closed).resume();
      outcome();
    };
    const fail = (error: OriginscopeError): void => settle(() => reject(error));
    const keep = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > maxBytes) fail(tooLarge(maxBytes));
      else if (!hold(chunk.length)) fail(overloaded());
      else chunks.push(chunk);
    };
    const end = (): void => settle(() => resolve(Buffer.concat(chunks, length)));
    // A request closes when it is complete, too, and then its end is still on the way through gunzip.
    const closed = (): void => {
      if (!request.complete) fail(aborted());
    };

    output.on('data', keep).on('end', end);
    gunzip?.on('error', (cause) => fail(malformed(cause)));
    // Without a listener the error of a lost connection would be uncaught; 'close' follows it.
    request.on('error', () => {}).on('close', closed);
  });
}

const unsupported = (): OriginscopeError =>
  new OriginscopeError('CONTENT_ENCODING_UNSUPPORTED', 'The Content-Encoding is not spoken here', {
    remedy: 'Send gzip, or no compression.',
  });

const tooLarge = (maxBytes: number): OriginscopeError =>
  new OriginscopeError('BODY_TOO_LARGE', `The body is larger than ${maxBytes} bytes after inflating`, {
    remedy: 'Send smaller batches.',
  });

const overloaded = (): OriginscopeError =>
  new OriginscopeError('OVERLOADED', 'Too many bytes are waiting to be written', {
    retryable: true,
    remedy: 'Send the same spans again in a second.',
  });

const malformed = (cause: Error): OriginscopeError =>
  new OriginscopeError('BODY_MALFORMED', 'The body says it is gzip, but cannot be inflated', {
    remedy: 'Send a complete gzip stream, or leave Content-Encoding away.',
    cause,
  });

const aborted = (): OriginscopeError =>
  new OriginscopeError('BODY_ABORTED', 'The sender went away before its body was complete', {
    retryable: true,
    remedy: 'Send the same spans again.',
  });

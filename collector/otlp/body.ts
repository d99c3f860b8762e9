import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import { OriginscopeError } from '../../core/errors.ts';
import type { Holding } from './held-bytes.ts';

export interface BodyLimits {
  /** Maximum size, both compressed and inflated. */
  readonly maxBytes: number;
  /** How long the complete body may take to arrive. */
  readonly arrivalMillis: number;
  /** Reserves memory for every chunk before it is kept. */
  readonly holding: Holding;
  /** How long a rejected sender may continue sending, so that it can read the response. Default 1,000. */
  readonly lingerMillis?: number;
}

/** Memory for inflating in addition to the output: zlib's window and one chunk. */
const GUNZIP_BYTES = 128 * 1024;
const GUNZIP_CHUNK = 64 * 1024;

/** Memory overhead of a chunk: senders choose the size of chunks. */
const CHUNK_BYTES = 256;

/**
 * The maximum compression ratio. Real bodies reach 15 to 45, because every span has its own id; a
 * decompression bomb reaches 1,000. Bodies that are small after inflating may have any ratio.
 */
const MAX_RATIO = 100;
const SMALL_BYTES = 1024 ** 2;

/**
 * Reads the body of a request and inflates gzip, but only once the body is complete, so that a sender
 * occupies no more memory than it has sent. Data that arrives after an exceeded limit is discarded for a
 * moment; then the connection is closed.
 *
 * @throws OriginscopeError `BODY_TOO_LARGE`, `OVERLOADED` (retryable), `CONTENT_ENCODING_UNSUPPORTED`,
 * `BODY_MALFORMED` when it is not valid gzip, `BODY_RATIO` when its compression ratio is implausible,
 * `BODY_TIMEOUT` (retryable), `BODY_ABORTED` when the sender disconnected
 */
export async function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  try {
    const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
    if (encoding !== 'identity' && encoding !== 'gzip')
      throw new OriginscopeError('CONTENT_ENCODING_UNSUPPORTED');
    if (Number(request.headers['content-length']) > limits.maxBytes) throw tooLarge(limits.maxBytes);
    const sent = await receive(request, limits);
    return encoding === 'gzip' ? await inflate(sent, limits) : sent;
  } catch (error) {
    discard(request, limits.lingerMillis ?? 1_000);
    throw error;
  }
}

function receive(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const { maxBytes, arrivalMillis, holding } = limits;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (outcome: () => void): void => {
      clearTimeout(deadline);
      holding.arrived();
      request.off('data', keep).off('end', end).off('close', closed);
      outcome();
    };
    const fail = (error: unknown): void => settle(() => reject(error));
    const keep = (chunk: Buffer): void => {
      length += chunk.length;
      try {
        if (length > maxBytes) throw tooLarge(maxBytes);
        holding.hold(chunk.length + CHUNK_BYTES);
        chunks.push(chunk);
      } catch (error) {
        fail(error);
      }
    };
    const end = (): void =>
      settle(() => {
        holding.letGo(chunks.length * CHUNK_BYTES);
        resolve(Buffer.concat(chunks, length));
      });
    const closed = (): void => fail(new OriginscopeError('BODY_ABORTED'));

    const deadline = setTimeout(
      () => fail(new OriginscopeError('BODY_TIMEOUT', { seconds: arrivalMillis / 1_000 })),
      arrivalMillis,
    );
    holding.arriving(fail);
    // Without a listener the error of a lost connection would be uncaught; 'close' follows it.
    request.on('error', () => {});
    request.on('data', keep).on('end', end).on('close', closed);
  });
}

async function inflate(sent: Buffer, { maxBytes, holding }: BodyLimits): Promise<Buffer> {
  const limit = Math.min(maxBytes, Math.max(SMALL_BYTES, sent.length * MAX_RATIO));
  holding.hold(GUNZIP_BYTES);
  const chunks: Buffer[] = [];
  let length = 0;
  const gunzip = createGunzip({ chunkSize: GUNZIP_CHUNK });
  gunzip.end(sent);
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > limit)
        throw limit === maxBytes
          ? tooLarge(maxBytes)
          : new OriginscopeError('BODY_RATIO', { ratio: MAX_RATIO });
      holding.hold(chunk.length);
      chunks.push(chunk);
    }
  } catch (cause) {
    throw cause instanceof OriginscopeError ? cause : new OriginscopeError('BODY_MALFORMED', { cause });
  }
  holding.letGo(GUNZIP_BYTES + sent.length);
  return Buffer.concat(chunks, length);
}

function discard(request: IncomingMessage, lingerMillis: number): void {
  if (request.complete || request.destroyed) return void request.resume();
  const { socket } = request;
  const cut = setTimeout(() => socket.destroy(), lingerMillis);
  request.once('close', () => clearTimeout(cut)).resume();
}

const tooLarge = (maxBytes: number): OriginscopeError =>
  new OriginscopeError('BODY_TOO_LARGE', { problem: `more than ${maxBytes} bytes after decompression` });

import { createHash, timingSafeEqual } from 'node:crypto';
import { OriginscopeError } from '../errors.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** A check of Authorization headers (RFC 6750 §2.1) that takes the same time however much of the token is right. */
export function bearerCheck(token: string): (authorization: string | undefined) => void {
  const expected = digest(token);
  return (authorization = '') => {
    const presented = /^bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
    if (timingSafeEqual(digest(presented), expected)) return;
    throw new OriginscopeError('UNAUTHENTICATED', 'The bearer token is missing or wrong', {
      remedy:
        'Send "Authorization: Bearer TOKEN" (OTEL_EXPORTER_OTLP_HEADERS) with the token of the collector.',
    });
  };
}

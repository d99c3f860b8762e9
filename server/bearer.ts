import { createHash, timingSafeEqual } from 'node:crypto';

/** Which token an Authorization header holds. */
export type TokenCheck = 'valid' | 'invalid' | 'missing';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** A constant-time check of Authorization headers (https://www.rfc-editor.org/rfc/rfc6750#section-2.1). */
export function bearerCheck(token: string): (authorization: string | undefined) => TokenCheck {
  const expected = digest(token);
  return (authorization = '') => {
    const presented = /^bearer +(\S+)$/i.exec(authorization)?.[1];
    if (presented === undefined) return 'missing';
    return timingSafeEqual(digest(presented), expected) ? 'valid' : 'invalid';
  };
}

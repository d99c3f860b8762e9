import { createHash, timingSafeEqual } from 'node:crypto';

/** What an Authorization header presents. */
export type Presented = 'right' | 'wrong' | 'nothing';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** A check of Authorization headers (RFC 6750 §2.1) that takes the same time however much of the token is right. */
export function bearerCheck(token: string): (authorization: string | undefined) => Presented {
  const expected = digest(token);
  return (authorization = '') => {
    const presented = /^bearer +(\S+)$/i.exec(authorization)?.[1];
    if (presented === undefined) return 'nothing';
    return timingSafeEqual(digest(presented), expected) ? 'right' : 'wrong';
  };
}

import fc from 'fast-check';
import { PATH_WORDS } from '../../instrumentation/src/http/path-words.ts';

const lower = [...'abcdefghijklmnopqrstuvwxyz'];
const digit = [...'0123456789'];
const alphanumeric = [...lower, ...lower.map((letter) => letter.toUpperCase()), ...digit];

// Not `fc.string`, which mixes JavaScript property names (`toString`) into random text.
const of = (alphabet: readonly string[], minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...alphabet), { minLength, maxLength }).map((letters) => letters.join(''));

const GIVEN_NAMES = ['jane', 'maria', 'grace', 'yusuf', 'oliver', 'priya', 'mark', 'zoltan', 'noor', 'will'];
const FAMILY_NAMES = ['doe', 'garcia', 'okonkwo', 'schmidt', 'nguyen', 'kowalska', 'ivanov', 'haddad'];
const name = fc
  .tuple(
    fc.constantFrom(...GIVEN_NAMES),
    fc.constantFrom(...FAMILY_NAMES),
    fc.constantFrom('', '.', '-', '_'),
  )
  .map(([given, family, between]) => given + between + family);
const words = fc.constantFrom(
  'order',
  'user',
  'correct',
  'horse',
  'battery',
  'staple',
  'purple',
  'api',
  'elephant',
);

/** Secrets and names as they stand in URLs and headers: of many alphabets, none shorter than what a test can find. */
export const secret: fc.Arbitrary<string> = fc.oneof(
  of(lower, 6, 30),
  of(digit, 12, 24),
  of([...'0123456789abcdef'], 12, 64),
  of([...alphanumeric, '-', '_'], 7, 64).filter((text) => /^[A-Za-z0-9].*[A-Za-z0-9]$/.test(text)),
  of(alphanumeric, 7, 12),
  of([...lower, ...'234567'], 16, 32),
  of([...'абвгдежзийклмн', ...'äöüßéèñ', ...'日本語漢字'], 6, 20),
  of([...alphanumeric, ...'%+=/~!$&*()'], 10, 30).filter((text) => /[^A-Za-z0-9]/.test(text)),
  // Words glued together, and a passphrase.
  fc.array(words, { minLength: 3, maxLength: 5 }).map((parts) => parts.join('')),
  fc
    .array(words, { minLength: 3, maxLength: 5 })
    .map((parts) => parts.join('-'))
    .filter((text) => !isCommon(text)),
  name,
  fc.constantFrom(...FAMILY_NAMES, ...GIVEN_NAMES).filter((text) => text.length > 3),
  fc.tuple(name, fc.constantFrom('mail.example', 'corp.example')).map(([local, host]) => `${local}@${host}`),
  fc
    .tuple(of(alphanumeric, 10, 20), of(alphanumeric, 10, 40), of(alphanumeric, 10, 40))
    .map((parts) => `eyJ${parts.join('.')}`),
);

/** A client's address that no other part of a test uses. */
export const clientAddress: fc.Arbitrary<string> = fc
  .tuple(
    fc.integer({ min: 11, max: 254 }),
    fc.integer({ min: 11, max: 254 }),
    fc.integer({ min: 11, max: 254 }),
  )
  .map((parts) => `127.${parts.join('.')}`);

/** The encodings in which a text may reveal a secret, in lower case. */
export function formsOf(text: string): readonly string[] {
  const latin1 = Buffer.from(text).toString('latin1');
  const parts = text.split(/[^\p{L}\p{N}]+/u).filter((part) => part.length >= 6 && !isCommon(part));
  const forms = [text, latin1, ...parts].flatMap((form) => [
    form,
    encodeURIComponent(form),
    encodeURI(form),
    JSON.stringify(form).slice(1, -1),
    escaped(form),
  ]);
  return [...new Set(forms.map((form) => form.toLowerCase()))];
}

/** As a secret stands in the value of a header: HTTP knows bytes. */
export const inHeader = (text: string): string => Buffer.from(text).toString('latin1');

function isCommon(text: string): boolean {
  return text.split('-').every((part) => PATH_WORDS.has(part));
}

/** As the instrumentation escapes unprintable characters. */
function escaped(text: string): string {
  return text.replace(/[^ -~]/g, (char) => {
    const code = char.charCodeAt(0);
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** The origin of the page that asks. */
export const PAGE = 'https://shop.example';
const GRANTED = { 'access-control-allow-origin': PAGE, 'access-control-allow-credentials': 'true' };

/** Responses that echo a secret in every possible place. */
export const ANSWERS: Readonly<
  Record<string, (secret: string) => [status: number, headers: Record<string, string>]>
> = {
  nothing: () => [200, {}],
  allowed: () => [
    200,
    {
      ...GRANTED,
      'access-control-allow-methods': 'PUT',
    },
  ],
  unauthorized: () => [401, {}],
  'a query': (text) => [200, { 'access-control-allow-origin': `https://other.example/path?session=${text}` }],
  'a path': (text) => [200, { 'access-control-allow-origin': `https://other.example/${text}/home#${text}` }],
  'a password': (text) => [200, { 'access-control-allow-origin': `https://admin:${text}@other.example` }],
  'a user name': (text) => [200, { 'access-control-allow-origin': `https://${text}@other.example/` }],
  'several origins': (text) => [
    200,
    { 'access-control-allow-origin': `${PAGE}, https://other.example/?next=${text}` },
  ],
  'no origin': (text) => [200, { 'access-control-allow-origin': `token=${text}` }],
  'its credentials': (text) => [
    200,
    {
      'access-control-allow-origin': PAGE,
      'access-control-allow-credentials': text,
      'set-cookie': `s=${text}`,
    },
  ],
  'its methods': (text) => [
    204,
    {
      ...GRANTED,
      'access-control-allow-methods': `GET https://x.example/?${text}`,
    },
  ],
  'its headers': (text) => [
    204,
    {
      ...GRANTED,
      'access-control-allow-methods': 'PUT',
      'access-control-allow-headers': `x-a: https://x.example/${text}`,
    },
  ],
  'a redirect': (text) => [302, { location: `https://other.example/login?code=${text}` }],
  'a redirect to a password': (text) => [
    302,
    { ...GRANTED, location: `https://admin:${text}@other.example/${text}` },
  ],
  'a redirect without a scheme': (text) => [302, { ...GRANTED, location: `admin:${text}@other.example` }],
};

/** Request targets with the secret in them. */
export function pathsWith(text: string): readonly string[] {
  const inUrl = encodeURIComponent(text);
  return [
    `/reset/${inUrl}`,
    `/users/${inUrl}/orders?token=${inUrl}#${inUrl}`,
    `/api/v1/${inUrl}.pdf`,
    `/cart;jsessionid=${inUrl}`,
    `//${inUrl}`,
    `http://admin:${inUrl}@api.example/invite/${inUrl}?${inUrl}`,
    `/%2e%2e/${inUrl}/..`,
    `/express/users/${inUrl}/orders`,
    `/express/tenants/${inUrl}/orders`,
    ...(/^[A-Za-z0-9._~-]+$/.test(text) ? [`/${text}`, `/files/${text}/download`] : []),
  ];
}

/** Values of `Origin` with the secret in them, none of which a browser would send. */
export function originsWith(text: string): readonly string[] {
  const inValue = inHeader(text);
  return [
    `${PAGE}/reset?token=${inValue}`,
    `https://jane:${inValue}@shop.example`,
    `https://${inValue}@shop.example/`,
    `https://shop.example/${inValue}`,
    `https://shop.example#${inValue}`,
    `app://admin:${inValue}`,
    `(invalid) https://shop.example/${inValue}`,
    inValue,
    `https://shop.example ${inValue}`,
    `${PAGE}/${'x'.repeat(5_000)}${inValue}`,
  ];
}

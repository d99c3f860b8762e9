import { expect, test } from 'vitest';
import { REASONS, type Reason } from '../../instrumentation/src/fetch-standard/decision.ts';
import { type BlockedCall, REASON_TEXTS } from './remedies.ts';

function remedy(reason: Reason, given: Partial<BlockedCall> = {}): string {
  return REASON_TEXTS[reason].remedy({
    origin: 'https://shop.example',
    kind: 'preflight',
    reason,
    detail: '',
    method: 'PUT',
    requestedHeaders: ['content-type', 'traceparent'],
    statusCode: 204,
    ...given,
  });
}

test('every reason has texts', () => {
  expect(Object.keys(REASON_TEXTS).sort()).toEqual([...REASONS].sort());
  for (const reason of REASONS) {
    expect(remedy(reason, { detail: 'x' })).toMatch(/^[A-Z"].+\.$/);
    expect(REASON_TEXTS[reason].title).not.toBe('');
  }
});

test('a remedy contains the header with its exact value', () => {
  expect(remedy('acao_missing')).toContain('"Access-Control-Allow-Origin: https://shop.example"');
  expect(remedy('acac_not_true', { detail: 'True' })).toContain('"Access-Control-Allow-Credentials: true"');
  expect(remedy('header_not_allowed', { detail: 'traceparent' })).toContain(
    '"Access-Control-Allow-Headers: content-type, traceparent"',
  );
  expect(remedy('method_not_allowed', { detail: 'PUT' })).toContain(
    '"Access-Control-Allow-Methods: GET, HEAD, POST, PUT"',
  );
});

test('a preflight blocked by authentication is distinguished from an unhandled one', () => {
  expect(remedy('acao_missing', { statusCode: 401 })).toContain('before authentication');
  expect(remedy('acao_missing', { statusCode: 405 })).toContain('nothing handles OPTIONS');
  expect(remedy('acao_missing', { kind: 'actual', statusCode: 500 })).toContain(
    'error responses need them as well',
  );
});

test('a trailing slash is recognised', () => {
  expect(remedy('acao_mismatch', { detail: 'https://shop.example/' })).toContain('ends with a slash');
  expect(remedy('acao_mismatch', { detail: 'https://other.example' })).not.toContain('slash');
});

test('a lower-case method is a mistake of the page', () => {
  expect(remedy('method_not_allowed', { detail: 'patch' })).toContain('"PATCH" instead of "patch"');
});

test('a masked value is not used as a name', () => {
  const asked = { requestedHeaders: ['(other)', 'content-type'], method: '(other)' };
  expect(remedy('method_not_allowed', { ...asked, detail: '(other)' })).not.toMatch(/\(other\)/i);
  expect(remedy('header_not_allowed', { ...asked, detail: '(other)' })).not.toMatch(/\(other\)/);
  expect(remedy('header_not_allowed', { ...asked, detail: 'content-type' })).toContain(
    '"Access-Control-Allow-Headers: content-type"',
  );
  expect(remedy('acam_malformed', { ...asked, detail: 'GET PUT' })).not.toMatch(/\(other\)/);
  expect(remedy('acao_missing', { origin: '(invalid) https://shop.example/...' })).not.toContain(
    'send "Access',
  );
});

test('no remedy recommends to allow an origin unconditionally', () => {
  for (const reason of REASONS) {
    const text = remedy(reason, { detail: 'x' });
    if (text.includes('"Access-Control-Allow-Origin: https://shop.example"')) {
      expect(text, reason).toMatch(/[Ii]f this origin may|304/);
    }
  }
});

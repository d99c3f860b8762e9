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

test('there are words for every reason', () => {
  expect(Object.keys(REASON_TEXTS).sort()).toEqual([...REASONS].sort());
  for (const reason of REASONS) {
    expect(remedy(reason, { detail: 'x' })).toMatch(/^[A-Z"].+\.$/);
    expect(REASON_TEXTS[reason].title).not.toBe('');
  }
});

test('a remedy names the header with its exact value', () => {
  expect(remedy('acao_missing')).toContain('"Access-Control-Allow-Origin: https://shop.example"');
  expect(remedy('acac_not_true', { detail: 'True' })).toContain('"Access-Control-Allow-Credentials: true"');
  expect(remedy('header_not_allowed', { detail: 'traceparent' })).toContain(
    '"Access-Control-Allow-Headers: content-type, traceparent"',
  );
  expect(remedy('method_not_allowed', { detail: 'PUT' })).toContain(
    '"Access-Control-Allow-Methods: GET, HEAD, POST, PUT"',
  );
});

test('a preflight that met authentication is told from one that met nothing', () => {
  expect(remedy('acao_missing', { statusCode: 401 })).toContain('before authentication');
  expect(remedy('acao_missing', { statusCode: 405 })).toContain('nothing handles OPTIONS');
  expect(remedy('acao_missing', { kind: 'actual', statusCode: 500 })).toContain('errors need them as well');
});

test('a slash too many is called by its name', () => {
  expect(remedy('acao_mismatch', { detail: 'https://shop.example/' })).toContain('ends with a slash');
  expect(remedy('acao_mismatch', { detail: 'https://other.example' })).not.toContain('slash');
});

test('a method in lower case is the mistake of the page', () => {
  expect(remedy('method_not_allowed', { detail: 'patch' })).toContain('"PATCH" instead of "patch"');
});

test('what was masked is not called by a name that it does not have', () => {
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

test('no remedy says to let an origin in without a condition', () => {
  for (const reason of REASONS) {
    const text = remedy(reason, { detail: 'x' });
    if (text.includes('"Access-Control-Allow-Origin: https://shop.example"')) {
      expect(text, reason).toMatch(/[Ii]f this origin may|304/);
    }
  }
});

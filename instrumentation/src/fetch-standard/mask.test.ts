import { describe, expect, test } from 'vitest';
import type { Reason } from './decision.ts';
import { maskDetail, maskHeaderName, maskMethod } from './mask.ts';

describe('of a failing token, what shows the mistake is kept and what may be a secret is not', () => {
  test.each<[Reason, string, string]>([
    ['acao_mismatch', 'https://b.example', 'https://b.example'],
    ['acao_mismatch', 'https://b.example/', 'https://b.example/'],
    ['acao_mismatch', 'https://B.example:443', 'https://B.example:443'],
    ['acao_mismatch', 'https://b.example/path?session=secret', 'https://b.example/...'],
    ['acao_mismatch', 'https://user:secret@b.example', 'https://...@b.example'],
    ['acao_mismatch', 'null', 'null'],
    ['acao_invalid', 'b.example', 'b.example'],
    ['acao_invalid', 'localhost:3000', 'localhost:3000'],
    ['acao_invalid', '*.b.example', '*.b.example'],
    ['acao_invalid', 'https://*.b.example', 'https://*.b.example'],
    ['acao_invalid', 'b.example/path', '...'],
    ['acao_invalid', 'kqzvxwjp', '...'],
    ['acao_invalid', 'jane@b.example', '...'],
    ['acao_invalid', 'true', 'true'],
    ['acao_invalid', '"https://b.example"', '"https://b.example"'],
    ['acao_invalid', '', ''],
    ['acao_multiple', '*, https://b.example', '*, https://b.example'],
    ['acao_multiple', 'https://b.example https://c.example/?q=x', 'https://b.example https://c.example/...'],
    ['acao_multiple', 'https://b.example, jane.doe', 'https://b.example, ...'],
    ['acac_not_true', 'True', 'True'],
    ['acac_not_true', 'true, true', 'true, true'],
    ['acac_not_true', 'kqzvxwjp', '...'],
    ['acam_malformed', 'GET PUT', 'GET PUT'],
    ['acam_malformed', 'GET; PUT', 'GET; PUT'],
    ['acam_malformed', 'GET https://b.example/?secret', '...'],
    ['acah_malformed', 'x-a;Content-Type', 'x-a;Content-Type'],
    ['acah_malformed', 'x-a 9fceb02d0ae598e95dc970', 'x-a ...'],
    ['method_not_allowed', 'PATCH', 'PATCH'],
    ['method_not_allowed', 'patch', 'patch'],
    ['method_not_allowed', 'KQZVXWJP', '(other)'],
    ['header_not_allowed', 'x-tenant-id', 'x-tenant-id'],
    ['header_not_allowed', 'x-token-eyjhbgcioijiuzi1nij9', '(other)'],
    ['preflight_redirect', 'https://b.example', 'https://b.example'],
    ['preflight_status_not_ok', '401', '401'],
  ])('%s %s → %s', (reason, detail, kept) => {
    expect(maskDetail(reason, detail)).toBe(kept);
  });
});

test.each([
  'authorization',
  'content-type',
  'x-requested-with',
  'x-b3-traceid',
  'x-amz-content-sha256',
  'sec-ch-ua-wow64',
  'apollographql-client-name',
  'x_custom.name',
  '2fa-code',
])('%s is a plausible header name', (name) => {
  expect(maskHeaderName(name)).toBe(name);
});

test.each([
  'x-token-eyjhbgcioijiuzi1nij9',
  '550e8400-e29b-41d4-a716-446655440000',
  'kqzvxwjpmrtlhgfdsbcn',
  'jane@mail.example',
  'a\\x1bb',
  'x-',
  '',
  `x${'-abc'.repeat(20)}`,
])('%s may be a value', (name) => {
  expect(maskHeaderName(name)).toBe('(other)');
});

test('methods of the registry are kept in any case, others are not', () => {
  expect(['GET', 'patch', 'Version-Control', 'PURGE', ''].map(maskMethod)).toEqual([
    'GET',
    'patch',
    'Version-Control',
    'PURGE',
    '',
  ]);
  expect(['BREW', 'kqzvxwjp', 'P\\x07'].map(maskMethod)).toEqual(['(other)', '(other)', '(other)']);
});

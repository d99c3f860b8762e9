import { describe, expect, test } from 'vitest';
import {
  ALLOW_ANY,
  ALLOW_CREDENTIALS,
  ALLOW_PAGE,
  ALLOW_PUT,
  actual,
  CORS_METADATA,
  preflight,
} from '../../../test/support/decided.ts';
import { decide } from './decide.ts';
import type { Decision, Note } from './decision.ts';

describe('notes', () => {
  const noted = (decision: Decision): readonly Note[] => decision.notes;

  test("report that a cache may serve one origin's response to another", () => {
    expect(noted(actual([ALLOW_PAGE]))).toEqual(['missing_vary_origin']);
    expect(noted(actual([ALLOW_PAGE, ['Vary', 'Accept, ORIGIN']]))).toEqual([]);
    expect(noted(actual([ALLOW_PAGE, ['Vary', '*']]))).toEqual([]);
    expect(noted(actual([ALLOW_PAGE, ['Cache-Control', 'private, no-store']]))).toEqual([]);
    expect(noted(actual([ALLOW_PAGE], { method: 'POST' }))).toEqual([]);
    expect(noted(actual([ALLOW_ANY]))).toEqual([]);
  });

  test('report a pair of headers that no browser accepts', () => {
    expect(noted(actual([ALLOW_ANY, ALLOW_CREDENTIALS]))).toEqual(['wildcard_with_credentials']);
  });

  test('report that every page with the origin `null` is allowed', () => {
    const decision = decide({
      request: { method: 'GET', url: '/', headers: [['Origin', 'null'], ...CORS_METADATA] },
      response: {
        status: 200,
        headers: [
          ['Access-Control-Allow-Origin', 'null'],
          ['Vary', 'Origin'],
        ],
      },
    });
    expect(decision).toMatchObject({ origin: 'null', allowOrigin: 'null', notes: ['reflects_null'] });
  });

  test('report that every request needs a preflight', () => {
    const headers = [ALLOW_PAGE, ALLOW_CREDENTIALS, ALLOW_PUT];
    expect(noted(preflight({}, headers))).toEqual(['preflight_uncached']);
    expect(noted(preflight({}, [...headers, ['Access-Control-Max-Age', '0']]))).toEqual([
      'preflight_uncached',
    ]);
    expect(noted(preflight({}, [...headers, ['Access-Control-Max-Age', '600']]))).toEqual([]);
    expect(noted(preflight({}, []))).toEqual([]);
  });

  test('report that the browser shows another reason if the request has credentials', () => {
    const headers = [ALLOW_PAGE, ALLOW_PUT, ['Access-Control-Allow-Credentials', 'True'] as const];
    const decision = preflight({ method: 'DELETE' }, headers);
    expect(decision).toMatchObject({
      reason: 'method_not_allowed',
      withCredentials: { reason: 'acac_not_true', detail: 'True' },
      notes: ['reason_depends_on_credentials'],
    });
    for (const credentials of ['omitted', 'included'] as const) {
      const told = preflight({ method: 'DELETE' }, headers, 204, { credentials });
      expect(told).toMatchObject({ withCredentials: undefined, notes: [] });
    }
  });

  test('report which responses expose headers', () => {
    const headers = [ALLOW_ANY, ['Access-Control-Expose-Headers', 'x-total'] as const];
    expect(noted(actual(headers))).toEqual(['exposed_headers']);
  });

  test('report a failure before any CORS handling', () => {
    for (const status of [401, 429, 500, 502, 504]) {
      expect(noted(actual([], { status }))).toEqual(['server_error_without_cors']);
    }
    expect(noted(actual([], { status: 404 }))).toEqual([]);
    expect(noted(actual([ALLOW_CREDENTIALS], { status: 502 }))).toEqual([]);
  });

  test('are absent for requests that are not CORS', () => {
    const request = { method: 'GET', url: '/', headers: [] };
    expect(noted(decide({ request, response: { status: 500, headers: [] } }))).toEqual([]);
  });
});

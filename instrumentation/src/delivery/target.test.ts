import { DiagLogLevel, diag } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Environment } from './environment.ts';
import { targetOf } from './target.ts';

const warnings: string[] = [];

beforeEach(() => {
  warnings.length = 0;
  const keep = (text: string) => void warnings.push(text);
  diag.setLogger({ error: keep, warn: keep, info: keep, debug: keep, verbose: keep }, DiagLogLevel.WARN);
});
afterEach(() => diag.disable());

type Options = Parameters<typeof targetOf>[0];
const none: Options = { endpoint: undefined, headers: {}, timeoutMillis: undefined };
const target = (env: Environment, options: Partial<Options> = {}) => targetOf({ ...none, ...options }, env);
const url = (env: Environment, endpoint?: string) => target(env, { endpoint }).url.href;

describe('the endpoint is', () => {
  const all = {
    ORIGINSCOPE_ENDPOINT: 'http://ours:1',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces:2/custom',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://standard:3/prefix/',
  };

  test('the option, else ours, else the standard ones, else the local default', () => {
    expect(url(all, 'https://code:9')).toBe('https://code:9/v1/traces');
    expect(url(all)).toBe('http://ours:1/v1/traces');
    expect(url({ ...all, ORIGINSCOPE_ENDPOINT: '' })).toBe('http://traces:2/custom');
    expect(url({ OTEL_EXPORTER_OTLP_ENDPOINT: all.OTEL_EXPORTER_OTLP_ENDPOINT })).toBe(
      'http://standard:3/prefix/v1/traces',
    );
    expect(url({})).toBe('http://127.0.0.1:4318/v1/traces');
    expect(warnings).toEqual([]);
  });

  test('not given its path twice', () => {
    expect(url({ ORIGINSCOPE_ENDPOINT: 'http://ours:1/v1/traces/' })).toBe('http://ours:1/v1/traces');
  });

  test('ignored with a warning when it is not a valid URL', () => {
    expect(url({ ORIGINSCOPE_ENDPOINT: 'ours:1' })).toBe('http://127.0.0.1:4318/v1/traces');
    expect(warnings).toEqual([expect.stringContaining('ORIGINSCOPE_ENDPOINT')]);
  });

  test.each([
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:9999' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4317' },
  ])('reported as the wrong one when its protocol is gRPC: %j', (env) => {
    target(env);
    expect(warnings).toEqual([expect.stringContaining('ORIGINSCOPE_ENDPOINT')]);
    expect(warnings[0]).toContain('http://collector:4318');
    warnings.length = 0;
    target({ ...env, ORIGINSCOPE_ENDPOINT: 'http://ours:1' });
    expect(warnings).toEqual([]);
  });
});

describe('the headers are', () => {
  const OTEL_EXPORTER_OTLP_HEADERS = 'Authorization=Bearer%20abc,x-a=1';

  test('those of the environment, specific ones over general ones, and those of the code over all', () => {
    const env = {
      OTEL_EXPORTER_OTLP_HEADERS,
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-a=2,x-b=2',
      ORIGINSCOPE_HEADERS: 'x-b=3,x-c=3',
    };
    expect(target(env, { headers: { 'X-C': '4' } }).headers).toEqual({
      authorization: 'Bearer abc',
      'x-a': '2',
      'x-b': '3',
      'x-c': '4',
    });
  });

  test('sent to our endpoint, but never when the standard variables name another place for them', () => {
    const ours = { OTEL_EXPORTER_OTLP_HEADERS, ORIGINSCOPE_ENDPOINT: 'http://ours:1' };
    expect(target(ours).headers).toHaveProperty('authorization');
    const vendor = { ...ours, OTEL_EXPORTER_OTLP_ENDPOINT: 'https://vendor.example' };
    expect(target(vendor).headers).toEqual({});
    expect(target({ ...vendor, ORIGINSCOPE_HEADERS: 'x-d=1' }).headers).toEqual({ 'x-d': '1' });
  });

  test('left out when malformed, without logging their content', () => {
    const env = { OTEL_EXPORTER_OTLP_HEADERS: 'secret1,=secret2,a=%zz-secret3,b=%0Asecret4,good=1' };
    expect(target(env).headers).toEqual({ good: '1' });
    expect(warnings).toHaveLength(4);
    for (const warning of warnings) expect(warning).not.toContain('secret');
  });
});

test('the time for a request is the option, else the standard one, else ten seconds', () => {
  expect(target({ OTEL_EXPORTER_OTLP_TIMEOUT: '2500' }).timeoutMillis).toBe(2_500);
  expect(target({ OTEL_EXPORTER_OTLP_TIMEOUT: 'soon' }).timeoutMillis).toBe(10_000);
  expect(target({}, { timeoutMillis: 7 }).timeoutMillis).toBe(7);
});

test('an unreadable certificate is reported and does not stop the service', () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c', OTEL_EXPORTER_OTLP_CERTIFICATE: '/nowhere/ca.pem' };
  expect(target(env).tls).toEqual({});
  expect(warnings).toEqual([expect.stringContaining('OTEL_EXPORTER_OTLP_CERTIFICATE')]);
});

import { expect, test } from 'vitest';
import { OPTIONS, resolveOptions } from './options.ts';

test('without configuration every option has its default, and the result is frozen', () => {
  const options = resolveOptions({}, {});

  expect(Object.keys(options)).toEqual(Object.keys(OPTIONS));
  expect(options).toMatchObject({ enabled: true, delivery: 'private', trustProxy: false });
  expect(Object.isFrozen(options)).toBe(true);
});

test('an unknown option is rejected by name', () => {
  const config = { trustProxies: true };

  expect(() => resolveOptions(config as object, {})).toThrow(
    expect.objectContaining({
      code: 'ORIGINSCOPE_INVALID_OPTION',
      message: expect.stringMatching(/"trustProxies".*trustProxy/),
    }),
  );
});

test.each([
  [{ trustProxy: 'yes' }, /trustProxy must be true, false or the number of your proxies, but is "yes"/],
  [{ trustProxy: -1 }, /trustProxy must be .* but is -1/],
  [{ route: '/users' }, /route must be a function, but is "\/users"/],
  [{ enabled: 1 }, /enabled must be true or false, but is 1/],
])('%o is rejected with the expected and the received value', (config, message) => {
  expect(() => resolveOptions(config as object, {})).toThrow(message);
});

test('environment variables apply where the code sets nothing', () => {
  const env = { ORIGINSCOPE_TRUST_PROXY: '2', ORIGINSCOPE_DELIVERY: 'provider' };

  expect(resolveOptions({}, env)).toMatchObject({ trustProxy: 2, delivery: 'provider' });
  expect(resolveOptions({ trustProxy: false, delivery: undefined }, env)).toMatchObject({
    trustProxy: false,
    delivery: 'provider',
  });
  expect(resolveOptions({}, { ORIGINSCOPE_TRUST_PROXY: ' ' }).trustProxy).toBe(false);
  expect(() => resolveOptions({}, { ORIGINSCOPE_TRUST_PROXY: 'maybe' })).toThrow(
    /ORIGINSCOPE_TRUST_PROXY must be .* but is "maybe"/,
  );
});

test.each([
  ['ORIGINSCOPE_ENABLED', 'false', { enabled: false }],
  ['ORIGINSCOPE_INTERVAL_MILLIS', '2500', { intervalMillis: 2_500 }],
  ['ORIGINSCOPE_TIMEOUT_MILLIS', '700', { timeoutMillis: 700 }],
  ['ORIGINSCOPE_NEW_KEYS_AT_START', '9', { newKeysAtStart: 9 }],
  ['ORIGINSCOPE_NEW_KEYS_PER_MINUTE', '9', { newKeysPerMinute: 9 }],
  ['ORIGINSCOPE_BLOCKED_SPANS_PER_SECOND', '9', { blockedSpansPerSecond: 9 }],
  ['ORIGINSCOPE_BLOCKED_SPANS_BURST', '9', { blockedSpansBurst: 9 }],
  ['ORIGINSCOPE_HANDLE_SIGNALS', 'FALSE', { handleSignals: false }],
  ['ORIGINSCOPE_SHUTDOWN_TIMEOUT_MILLIS', '20000', { shutdownTimeoutMillis: 20_000 }],
  ['ORIGINSCOPE_EXIT_TIMEOUT_MILLIS', '0', { exitTimeoutMillis: 0 }],
  ['ORIGINSCOPE_SPOOL', '/var/spool/Shop', { spool: '/var/spool/Shop' }],
])('%s=%s sets the option of that name', (name, value, expected) => {
  expect(resolveOptions({}, { [name]: value })).toMatchObject(expected);
});

test.each([
  ['ORIGINSCOPE_INTERVAL_MILLIS', '10s', 'a whole number from 0 to 60000'],
  ['ORIGINSCOPE_INTERVAL_MILLIS', '60001', 'a whole number from 0 to 60000'],
  ['ORIGINSCOPE_TIMEOUT_MILLIS', '-1', 'a whole number from 1 to 600000'],
  ['ORIGINSCOPE_HANDLE_SIGNALS', 'no', 'true or false'],
  ['ORIGINSCOPE_DELIVERY', 'grpc', '"private" or "provider"'],
])('%s=%s is an error with the expected and the received value', (name, value, expected) => {
  const message = `${name} must be ${expected}, but is "${value}": correct or remove it.`;
  expect(() => resolveOptions({}, { [name]: value })).toThrow(message);
});

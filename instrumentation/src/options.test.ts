import { expect, test } from 'vitest';
import { OPTIONS, resolveOptions } from './options.ts';

test('without a word every option has its default, and the result is frozen', () => {
  const options = resolveOptions({}, {});

  expect(Object.keys(options)).toEqual(Object.keys(OPTIONS));
  expect(options).toMatchObject({ enabled: true, delivery: 'private', trustProxy: false });
  expect(Object.isFrozen(options)).toBe(true);
});

test('an unknown option is refused by name', () => {
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
])('%o is refused with what is expected and what was received', (config, message) => {
  expect(() => resolveOptions(config as object, {})).toThrow(message);
});

test('the environment speaks where the code says nothing', () => {
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

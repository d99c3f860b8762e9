import { describe, expect, test } from 'vitest';
import { RECORDER_OPTIONS, type RecorderOptions, readOptions } from './options.ts';

const read = (given: object) => readOptions<RecorderOptions>(RECORDER_OPTIONS, given);

test('without options the documented defaults apply, and the result is frozen', () => {
  const options = read({ endpoint: undefined });
  expect(options).toEqual({
    delivery: 'private',
    endpoint: undefined,
    headers: {},
    timeoutMillis: undefined,
    intervalMillis: 10_000,
    newKeysAtStart: 500,
    newKeysPerMinute: 50,
    blockedSpansPerSecond: 20,
    blockedSpansBurst: 100,
    handleSignals: true,
    shutdownTimeoutMillis: 5_000,
    exitTimeoutMillis: 1_000,
    spool: undefined,
  });
  expect(Object.isFrozen(options)).toBe(true);
});

describe('an invalid option is an error with the option, the expected and the received value', () => {
  test.each([
    [{ intervalMilis: 1 }, /Unknown option "intervalMilis".*intervalMillis/],
    [{ intervalMillis: '10' }, /intervalMillis must be a whole number from 0 to 60000, but is "10"/],
    [{ intervalMillis: 60_001 }, /but is 60001/],
    [{ newKeysAtStart: Number.NaN }, /newKeysAtStart.*but is NaN/],
    [{ delivery: 'grpc' }, /delivery must be "private" or "provider", but is "grpc"/],
    [{ endpoint: 'localhost:4318' }, /endpoint must be an http:\/\/ or https:\/\/ URL/],
    [{ headers: { 'bad name': 'x' } }, /headers must be an object of valid header names/],
    [{ headers: { authorization: 'a\r\nb' } }, /headers/],
    [{ handleSignals: 1 }, /handleSignals must be true or false, but is 1/],
    [{ delivery: null }, /but is null/],
  ])('%j', (given, message) => {
    expect(() => read(given)).toThrow(message);
    expect(() => read(given)).toThrow(
      expect.objectContaining({ code: 'ORIGINSCOPE_INVALID_OPTION', retryable: false }),
    );
  });

  test('and never shows a potential secret', () => {
    expect(() => read({ headers: { authorization: 'Bearer hunter2\n' } })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
  });
});

import { expect, test } from 'vitest';
import { ERROR_CODES, ERRORS } from './error-codes.ts';
import { causesOf, codeOf, errorReport, hasCode, OriginscopeError, reportedError } from './errors.ts';

test('an error takes message, remedy and retryable from the table and fills in its values once', () => {
  const cause = new Error('no route');
  const error = new OriginscopeError('SETTING_UNKNOWN', { name: '{known}', known: 'a, b', cause });
  expect(error).toMatchObject({
    code: 'SETTING_UNKNOWN',
    message: '{known} is not a known setting',
    remedy: 'Known settings: a, b.',
    retryable: false,
    cause,
  });
  expect(new OriginscopeError('ENGINE_MISSING', { remedy: 'Reinstall it.' }).remedy).toBe('Reinstall it.');
});

test('a code, a value or a placeholder that the table does not have is a type error', () => {
  // @ts-expect-error There is no such code.
  expect(() => new OriginscopeError('SETING_UNKNOWN', { name: 'a', known: 'b' })).toThrow(TypeError);
  // @ts-expect-error A value is missing.
  new OriginscopeError('TOPIC_MISSING', {});
  // @ts-expect-error The details are missing.
  new OriginscopeError('TOPIC_MISSING');
});

test('a code is found in the causes of an error, and a circle of causes ends', () => {
  const inner = new OriginscopeError('TOPIC_MISSING', { topic: 'spans' });
  const outer = new Error('outer', {
    cause: new OriginscopeError('WRITE_FAILED', { destination: 'it', cause: inner }),
  });
  expect(hasCode(outer, 'TOPIC_MISSING')).toBe(true);
  expect(hasCode(outer, 'KAFKA_DENIED')).toBe(false);
  expect(hasCode(Object.assign(new Error('foreign'), { code: 'TOPIC_MISSING' }), 'TOPIC_MISSING')).toBe(
    false,
  );
  expect(hasCode('TOPIC_MISSING', 'TOPIC_MISSING')).toBe(false);
  inner.cause = outer;
  expect(hasCode(outer, 'KAFKA_DENIED')).toBe(false);
  expect(causesOf(outer).length).toBeLessThan(10);
});

test('codes of other programs are read as text', () => {
  expect(codeOf(Object.assign(new Error('a'), { code: 'ENOENT' }))).toBe('ENOENT');
  expect(codeOf(Object.assign(new Error('a'), { code: 81 }))).toBe('81');
  expect(codeOf(new Error('a'))).toBeUndefined();
  expect(codeOf({ code: 'ENOENT' })).toBeUndefined();
});

test.each(ERROR_CODES)('the texts of %s can be printed', (code) => {
  const { message, remedy } = ERRORS[code];
  expect(message).not.toMatch(/\.$/);
  expect(remedy).toMatch(/\.$/);
  for (const [, name] of `${message}${remedy}`.matchAll(/\{([^}]*)\}/g)) {
    expect(name).toMatch(/^[a-z]\w*$/i);
    expect(['cause', 'remedy']).not.toContain(name);
  }
});

test('an error that another process reports is the same error, with its causes', () => {
  const inner = new OriginscopeError('TOPIC_MISSING', { topic: 'spans', remedy: 'Create it.' });
  const outer = new OriginscopeError('WRITE_FAILED', { destination: 'it', cause: inner });
  const told = reportedError(JSON.parse(JSON.stringify(errorReport(outer))));
  expect(told).toEqual(outer);
  expect(told).toMatchObject({
    code: 'WRITE_FAILED',
    cause: { code: 'TOPIC_MISSING', remedy: 'Create it.' },
  });
  expect(reportedError({ message: 'it broke', code: 'OF_A_NEWER_VERSION' })).toEqual(new Error('it broke'));
  const endless = new Error('again');
  endless.cause = endless;
  expect(reportedError(errorReport(endless))).toMatchObject({
    message: 'again',
    cause: { message: 'again' },
  });
});

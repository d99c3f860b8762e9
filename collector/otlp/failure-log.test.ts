import { pino } from 'pino';
import { expect, test } from 'vitest';
import { OriginscopeError } from '../../core/errors.ts';
import { failureLog } from './failure-log.ts';

test('an outage is logged once a minute for each kind of failure, with the number of suppressed lines', () => {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ base: null }, { write: (line) => void lines.push(JSON.parse(line)) });
  let now = 0;
  const logFailure = failureLog(() => now);
  const fail = (code: 'WRITE_FAILED' | 'ROW_REFUSED'): void => {
    const error = new OriginscopeError(code, { destination: 'ClickHouse' });
    logFailure(log, error, `${code} happened`);
  };

  for (let failure = 0; failure < 100; failure++) fail('WRITE_FAILED');
  fail('ROW_REFUSED');
  expect(lines).toMatchObject([{ msg: 'WRITE_FAILED happened' }, { msg: 'ROW_REFUSED happened' }]);
  now += 60_000;
  fail('WRITE_FAILED');
  expect(lines).toHaveLength(3);
  expect(lines[2]).toMatchObject({ level: 50, othersSinceTheLastLine: 99, err: { code: 'WRITE_FAILED' } });
});

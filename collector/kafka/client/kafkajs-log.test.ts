import { logLevel } from 'kafkajs';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { kafkajsLog } from './kafkajs-log.ts';

test('kafkajs writes one visible line a minute at most, with the number of the others, and no secrets', () => {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  let now = 0;
  const write = kafkajsLog(log, () => now);
  const entry = (message: string, level = logLevel.ERROR) => ({
    namespace: 'Connection',
    level,
    label: '',
    log: { timestamp: '', message, broker: 'a:9092', password: 'secret' } as never,
  });

  for (; now < 60_000; now += 1_000) write(entry('Connection error'));
  write(entry('a detail', logLevel.WARN));
  write(entry('Connection error'));

  expect(lines).toMatchObject([
    { level: 40, kafka: 'Connection', broker: 'a:9092', msg: 'Connection error' },
    { othersSinceTheLastLine: 59, msg: 'Connection error' },
  ]);
  expect(lines).toHaveLength(2);
  expect(JSON.stringify(lines)).not.toContain('secret');
});

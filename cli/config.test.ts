import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const BIN = join(import.meta.dirname, 'bin.ts');

function config(...args: string[]): string {
  return execFileSync(process.execPath, [BIN, 'config', ...args], {
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      ORIGINSCOPE_KAFKA_PASSWORD: 'hunter2-hunter2',
      ORIGINSCOPE_BROKERS: 'kafka-1:9092, kafka-2:9092',
    },
  });
}

test('the effective configuration says where each value comes from, and never a secret', () => {
  const page = config('--port', '4319');
  expect(page).toMatch(/^port +"4319" {2}\(--port\)$/m);
  expect(page).toMatch(/^brokers +"kafka-1:9092, kafka-2:9092" {2}\(ORIGINSCOPE_BROKERS\)$/m);
  expect(page).toMatch(/^kafkaPassword +"\(secret\)" {2}\(ORIGINSCOPE_KAFKA_PASSWORD\)$/m);
  expect(page).not.toContain('hunter2');

  const json = config('--json');
  expect(JSON.parse(json)).toMatchObject({
    topic: { value: 'otlp_spans', source: 'the default' },
    kafkaPassword: { value: '(secret)', source: 'ORIGINSCOPE_KAFKA_PASSWORD' },
    token: { value: null },
  });
  expect(json).not.toContain('hunter2');
});

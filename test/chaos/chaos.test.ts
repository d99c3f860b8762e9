import { expect, test } from 'vitest';
import { describeUnless } from '../support/describe-unless.ts';
import { whyNoKafka } from '../support/kafka.ts';
import { chaos } from './chaos.ts';

const MIB = 1024 ** 2;

describeUnless(
  whyNoKafka(),
  'brokers, receivers, consumers and ClickHouse are killed, stopped and disconnected during traffic, and clocks step',
  () => {
    test('no count changes, and no process grows', { timeout: 300_000 }, async () => {
      const { requests, sends, ledger, kept, findings, peakMemory } = await chaos({
        kills: 6,
        seed: 1,
        clocks: true,
        progress: () => {},
      });
      expect(sends).toBeGreaterThan(requests);
      expect(kept.raw).toEqual(ledger.decisions);
      expect(kept.byMinute).toEqual(ledger.decisions);
      expect(kept.byHour).toEqual(ledger.decisions);
      expect(kept.blocked).toBe(ledger.blocked);
      expect(findings).toEqual([]);
      for (const bytes of Object.values(peakMemory)) expect(bytes).toBeLessThan(700 * MIB);
    });
  },
);

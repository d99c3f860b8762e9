/**
 * A receiver without anything behind it, for tests and benchmarks that want a process of its own: what it accepts
 * is split as for Kafka, and dropped. It prints its URL; /healthz has `peakBytes`, the most memory it ever took.
 */
import { splitBody } from '../../collector/kafka/producing/split.ts';
import { createReceiver } from '../../collector/otlp/receiver.ts';

const PART_BYTES = 8 * 1024 ** 2 - 2 ** 17;

const receiver = createReceiver({
  host: '127.0.0.1',
  port: 0,
  now: Date.now,
  ready: () => true,
  write: async ({ body, encoding }) => void splitBody(body, encoding, PART_BYTES),
  health: () => ({ peakBytes: process.resourceUsage().maxRSS * 1024 }),
});
console.log(await receiver.listen());

import { opening } from '../../../core/closers.ts';
import type { Binding } from '../../../server/binding.ts';
import { createRegistry } from '../../../server/readings.ts';
import type { GroupCommitCounters } from '../../ingest/group-commit.ts';
import type { ReceiverCounters } from '../../otlp/counters.ts';
import { createReceiver } from '../../otlp/receiver.ts';
import { producerMetrics } from './producer-metrics.ts';
import { createTopicWriter, type TopicWriterOptions } from './topic-writer.ts';

export interface ReceiveOptions extends Binding, TopicWriterOptions {
  /** 0 picks a free port. */
  readonly port: number;
}

/** Receiver and producer, in this process. */
export interface Receive {
  /** Where to send OTLP/HTTP, without `/v1/traces`. */
  readonly url: string;
  readonly counters: Readonly<ReceiverCounters>;
  /** What became of messages; an `insert` is a batch. */
  readonly produced: Readonly<GroupCommitCounters>;
  /** Completes held requests, then closes. */
  close(): Promise<void>;
}

/**
 * OTLP/HTTP receiver in front of Kafka: each request with decision spans becomes one message, or several if it
 * exceeds the topic's message size, and is acknowledged when all in-sync replicas have it. While Kafka is
 * unavailable, requests are answered with 503.
 *
 * @throws OriginscopeError `TOPIC_MISSING`, `KAFKA_DENIED`; `PORT_…`, `HOST_…`. Not when no broker answers yet.
 */
export function startReceive(options: ReceiveOptions): Promise<Receive> {
  return opening(async (closers) => {
    const writer = await createTopicWriter(options);
    closers.add(writer.close);
    const registry = createRegistry();
    producerMetrics(registry, writer.counters);
    const receiver = createReceiver({
      host: options.host,
      port: options.port,
      token: options.token,
      auth: options.auth,
      now: options.now,
      logger: options.log.child({}, { level: 'warn' }),
      registry,
      write: writer.write,
      ready: writer.isReady,
      health: () => ({ producer: writer.counters }),
    });
    const url = await receiver.listen();
    closers.add(receiver.close);
    return { url, counters: receiver.counters, produced: writer.counters, close: closers.close };
  });
}

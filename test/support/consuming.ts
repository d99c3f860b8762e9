import { randomUUID } from 'node:crypto';
import type { IHeaders } from 'kafkajs';
import { pino } from 'pino';
import { onTestFailed, onTestFinished } from 'vitest';
import type { ClickHouse } from '../../clickhouse/connection.ts';
import { RETENTION } from '../../clickhouse/retention.ts';
import { COMPRESSION_TYPES } from '../../collector/kafka/client/connection.ts';
import { registerCodecs } from '../../collector/kafka/client/kafkajs-patches/codecs.ts';
import { headersFor } from '../../collector/kafka/client/message.ts';
import type { Compression } from '../../collector/kafka/client/options.ts';
import { type Consume, type ConsumeOptions, startConsume } from '../../collector/kafka/consuming/consume.ts';
import { rows } from './clickhouse.ts';
import { kafkaClient, temporaryTopic, withAdmin } from './kafka-run.ts';
import { decisionRequest, decisionSpan } from './otlp-bodies.ts';
import { encodeRequest, type TraceRequest } from './otlp-schema.ts';
import { unread } from './unread.ts';

export interface Sent {
  readonly body: Buffer;
  readonly partition?: number;
  readonly headers?: IHeaders;
  readonly timestamp?: number;
}

/** A parsed log line. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: number; readonly msg: string };

/** A topic, its dead letters, a group, and consumers of them over one ClickHouse. */
export interface Consuming {
  readonly topic: string;
  readonly deadLetterTopic: string;
  readonly group: string;
  readonly lines: readonly LogLine[];
  /** Ends with the test at the latest. */
  start(options?: Partial<ConsumeOptions>): Promise<Consume>;
  send(messages: readonly Sent[], compression?: Compression): Promise<void>;
  /** Messages that the group has not acknowledged. */
  unread(): Promise<number>;
}

export async function consuming(
  brokers: readonly string[],
  clickhouse: ClickHouse,
  { partitions = 3, config = {} }: { partitions?: number; config?: Readonly<Record<string, string>> } = {},
): Promise<Consuming> {
  registerCodecs();
  const topic = await temporaryTopic(brokers, { partitions, config });
  const deadLetterTopic = await temporaryTopic(brokers);
  const group = `group-${randomUUID()}`;
  const lines: LogLine[] = [];
  const log = pino({ base: null }, { write: (line) => void lines.push(JSON.parse(line)) });
  onTestFailed(() => console.log(lines));
  const producer = kafkaClient(brokers).producer();
  await producer.connect();
  onTestFinished(() => producer.disconnect());

  return {
    topic,
    deadLetterTopic,
    group,
    lines,
    async start(options = {}) {
      const started = await startConsume({
        clickhouse,
        kafka: { brokers },
        topic,
        deadLetterTopic,
        group,
        sessionTimeoutMillis: 10_000,
        retention: RETENTION,
        log,
        now: Date.now,
        waitMillis: [50],
        ...options,
      });
      let closing: Promise<void> | undefined;
      const close = (): Promise<void> => {
        closing ??= started.close();
        return closing;
      };
      onTestFinished(close);
      return { ...started, close };
    },
    async send(messages, compression = 'none') {
      await producer.send({
        topic,
        acks: -1,
        compression: COMPRESSION_TYPES[compression],
        messages: messages.map(({ body, timestamp, ...rest }) => ({
          value: body,
          ...(timestamp !== undefined && { timestamp: String(timestamp) }),
          ...rest,
        })),
      });
    },
    unread: () => withAdmin(brokers, (admin) => unread(admin, topic, group)),
  };
}

let ids = 0;

/** Decision spans of one time (default now), with unique identities; three decisions each. */
export function request(spans: number, time = Date.now()): TraceRequest {
  return decisionRequest(
    Array.from({ length: spans }, () => decisionSpan((++ids).toString(16).padStart(16, '0'), time)),
  );
}

export const asProtobuf = (body: TraceRequest): Sent => ({
  body: encodeRequest(body),
  headers: headersFor('protobuf'),
});

export const asJson = (body: TraceRequest): Sent => ({
  body: Buffer.from(JSON.stringify(body)),
  headers: headersFor('json'),
});

/** Rows and decisions, each span once. */
export async function kept(clickhouse: ClickHouse): Promise<{ spans: number; decisions: number }> {
  const [found] = await rows<{ spans: number; decisions: number }>(
    clickhouse,
    'SELECT count() AS spans, sum(decisions) AS decisions FROM decision_spans FINAL',
  );
  if (found === undefined) throw new Error('no counts');
  return found;
}

/**
 * Writes test/fixtures/collector-messages anew: OTLP through the real OpenTelemetry Collector into a real broker,
 * every encoding with every codec, and from there the record batches as they lie on the broker's disk.
 *
 *     node test/support/opentelemetry-collector/capture-messages.ts
 */
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { COMPRESSIONS } from '../../../collector/kafka/client/options.ts';
import { freePort } from '../free-port.ts';
import { startKafka } from '../kafka.ts';
import { realisticRequest, seeded } from '../otlp-bodies.ts';
import type { TraceRequest } from '../otlp-schema.ts';
import { until } from '../until.ts';
import { launchCollector } from './launch.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures');
const MESSAGES = join(FIXTURES, 'collector-messages');
const ENCODINGS = ['otlp_proto', 'otlp_json'] as const;
/** Of one message; small, because there are ten files. */
const SPANS = 12;
const PARTITION = 0;

const kafka = await startKafka();
try {
  const combinations = ENCODINGS.flatMap((encoding) =>
    COMPRESSIONS.map((compression) => ({ encoding, compression, topic: `${encoding}-${compression}` })),
  );
  const admin = new Kafka({ brokers: kafka.brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({
    topics: combinations.map(({ topic }) => ({ topic, numPartitions: 1 })),
    waitForLeaders: true,
  });
  const port = await freePort();
  const exporters = combinations.map(({ encoding, compression, topic }) => [
    `kafka/${topic}`,
    { brokers: kafka.brokers, traces: { topic, encoding }, producer: { required_acks: -1, compression } },
  ]);
  const collector = await launchCollector({
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
    exporters: Object.fromEntries(exporters),
    service: { pipelines: { traces: { receivers: ['otlp'], exporters: exporters.map(([name]) => name) } } },
  });
  const sent = [decisions(), serverSpans()];
  for (const request of sent) {
    const response = await fetch(`http://127.0.0.1:${port}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    if (!response.ok) throw new Error(`the Collector answered ${response.status}: ${await response.text()}`);
  }
  for (const { topic } of combinations) {
    await until(async () => {
      const [offsets] = await admin.fetchTopicOffsets(topic);
      return Number(offsets?.high) === sent.length;
    }, 100);
  }
  await collector.end();
  await admin.disconnect();
  for (const { topic } of combinations) {
    const log = join(logDirectory(kafka.nodes[0]?.pid), `${topic}-${PARTITION}`);
    const segment = readdirSync(log).find((file) => file.endsWith('.log')) ?? '';
    copyFileSync(join(log, segment), join(MESSAGES, `${topic}.batches`));
  }
  writeFileSync(join(MESSAGES, 'sent.json'), `${JSON.stringify(sent)}\n`);
  console.log(`${combinations.length} files of ${sent.length} messages each`);
} finally {
  await kafka.close();
}

/** What our instrumentation sends. */
function decisions(): TraceRequest {
  return realisticRequest({ random: seeded(1), time: Date.now(), spans: SPANS });
}

/** HTTP server spans of a service in another language, with the times of this moment. */
function serverSpans(): TraceRequest {
  const recorded = readFileSync(join(FIXTURES, 'derivation/java-agent.json'), 'utf8');
  const request = JSON.parse(recorded) as TraceRequest;
  const now = `${Date.now()}000000`;
  for (const { scopeSpans = [] } of request.resourceSpans ?? []) {
    for (const scope of scopeSpans) {
      scope.spans = scope.spans?.slice(0, SPANS).map((span) => ({
        ...span,
        startTimeUnixNano: now,
        endTimeUnixNano: now,
      }));
    }
  }
  return request;
}

/** The broker is started with its configuration, beside which its data are. */
function logDirectory(pid: number | undefined): string {
  const configuration = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').at(-2) ?? '';
  const line = readFileSync(configuration, 'utf8')
    .split('\n')
    .find((text) => text.startsWith('log.dirs='));
  return line?.slice('log.dirs='.length) ?? dirname(configuration);
}

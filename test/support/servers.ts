/**
 * `npm run servers`: the servers that a distributed Originscope needs, on this machine and without
 * containers: an Apache Kafka broker, and an emulated ClickHouse server. Nothing of it outlives the
 * process.
 */
import { launchClickHouseServer } from './clickhouse-server/launch.ts';
import { startKafka, whyNoKafka } from './kafka.ts';

const why = whyNoKafka();
if (why !== undefined) {
  console.error(why);
  process.exit(1);
}
const stopping = new Promise((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve);
});
console.log('Starting; the first time, the broker is fetched…');
const clickhouse = await launchClickHouseServer({ port: 8123 });
const kafka = await startKafka({ port: 9092 }).catch(async (error: unknown) => {
  await clickhouse.stop();
  throw error;
});
console.log(
  `Kafka at ${kafka.brokers[0]}, a stand-in for ClickHouse at ${clickhouse.url}. Ctrl-C ends both.`,
);
await stopping;
await Promise.all([kafka.close(), clickhouse.stop()]);

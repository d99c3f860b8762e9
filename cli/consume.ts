import { Command } from 'commander';
import { pino } from 'pino';
import { assertProtected } from '../collector/binding.ts';
import { openClickHouse } from '../collector/clickhouse/connection.ts';
import { requireSchema } from '../collector/clickhouse/migrations.ts';
import { startConsume } from '../collector/kafka/consume.ts';
import { rewind } from '../collector/kafka/rewind.ts';
import { consumerMetrics, createRegistry, writerMetrics } from '../collector/metrics/metrics.ts';
import { startMonitor } from '../collector/metrics/monitor.ts';
import { publicationMetrics } from '../collector/metrics/publication-metrics.ts';
import {
  CLICKHOUSE_SETTINGS,
  KAFKA_SETTINGS,
  kafkaOf,
  RETENTION_SETTINGS,
  requiredServerOf,
  retentionOf,
} from './settings/locations.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import type { SettingName } from './settings/table.ts';
import { parseTime } from './time.ts';
import { untilSignal } from './until-signal.ts';

const SETTINGS: readonly SettingName[] = [
  ...KAFKA_SETTINGS,
  'topic',
  'deadLetterTopic',
  'group',
  'sessionTimeout',
  ...CLICKHOUSE_SETTINGS,
  'samplingRatios',
  ...RETENTION_SETTINGS,
  'host',
  'metricsPort',
  'auth',
];

export function consume(): Command {
  const command = new Command('consume')
    .description('take OTLP from Kafka, write to a ClickHouse server and publish')
    .option(
      '--since <time>',
      'read the topic again from here, at most 48 h back: RFC 3339 or a span before now',
      (text) => parseTime(text, Date.now()),
    );
  return addSettings(command, SETTINGS).action(
    async ({ since, ...flags }: Record<string, unknown> & { since?: number }) => {
      const settings = readSettings(flags, process.env);
      const { host, topic, group } = settings;
      assertProtected({ host, auth: settings.auth });
      const log = pino({ base: null }, pino.destination(2));
      const kafka = kafkaOf(settings);
      const clickhouse = await openClickHouse(requiredServerOf(settings));
      try {
        await requireSchema(clickhouse.reading, clickhouse);
        if (since !== undefined) await rewind(kafka, { topic, group, since, now: Date.now(), log });
        const registry = createRegistry();
        const metrics = writerMetrics(registry, () => consuming.written);
        const consuming = await startConsume({
          ...settings,
          clickhouse,
          kafka,
          sessionTimeoutMillis: settings.sessionTimeout * 1_000,
          retention: retentionOf(settings),
          log,
          now: Date.now,
          inserted: metrics.inserted,
        });
        publicationMetrics(registry, clickhouse.reading, Date.now);
        consumerMetrics(registry, consuming.counters, consuming.left);
        const monitor = await startMonitor({
          host,
          port: settings.metricsPort,
          registry,
          ready: consuming.isReady,
          health: () => ({ consumer: consuming.counters, writer: consuming.written }),
          logger: log.child({}, { level: 'warn' }),
        }).catch(async (error: unknown) => {
          await consuming.close();
          throw error;
        });
        console.log(`originscope consumes ${topic} as ${group}: ${monitor.url}/readyz says how it is`);
        await untilSignal();
        console.log('Shutting down: finishing what was read…');
        await consuming.close();
        await monitor.close();
        log.info({ ...consuming.written }, 'down');
      } finally {
        await clickhouse.close();
      }
    },
  );
}

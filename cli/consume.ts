import { Command } from 'commander';
import { type Logger, pino } from 'pino';
import { type ClickHouse, openClickHouse } from '../clickhouse/connection.ts';
import { requireSchema } from '../clickhouse/migrations.ts';
import type { ServerLocation } from '../clickhouse/over-http.ts';
import { rewind } from '../collector/kafka/admin/rewind.ts';
import { type Consume, startConsume } from '../collector/kafka/consuming/consume.ts';
import { createRegistry } from '../collector/metrics/metrics.ts';
import { createRetrier } from '../core/retrier.ts';
import { assertProtected } from '../server/binding.ts';
import { startMonitor } from '../server/monitor.ts';
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
import { leave, untilSignal } from './until-signal.ts';

const SETTINGS: readonly SettingName[] = [
  ...KAFKA_SETTINGS,
  'topic',
  'deadLetterTopic',
  'group',
  'sessionTimeout',
  ...CLICKHOUSE_SETTINGS,
  'samplingRatios',
  'inboundTracestate',
  ...RETENTION_SETTINGS,
  'host',
  'metricsPort',
  'token',
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
      const { host, token, topic, group } = settings;
      assertProtected({ host, token, auth: settings.auth });
      const log = pino({ base: null }, pino.destination(2));
      const stopping = new AbortController();
      const { signal } = stopping;
      const stopped = untilSignal().then(() => stopping.abort());
      const kafka = kafkaOf(settings);
      const registry = createRegistry();
      let consuming: Consume | undefined;
      const monitor = await startMonitor({
        host,
        token,
        port: settings.metricsPort,
        registry,
        ready: async () => ({
          missing: (await consuming?.missing()) ?? ['Kafka and ClickHouse have not answered yet'],
          troubles: consuming?.troubles ?? [],
        }),
        health: () =>
          consuming === undefined
            ? {}
            : {
                consumer: { ...consuming.counters, lag: Object.fromEntries(consuming.counters.lag) },
                writer: consuming.written,
                disks: consuming.disks,
                stuck: consuming.troubles,
              },
        logger: log.child({}, { level: 'warn' }),
      });
      let clickhouse: ClickHouse | undefined;
      try {
        // After a power cut everything starts at once: what is not there yet is waited for, unready.
        clickhouse = await openWithRetries(requiredServerOf(settings), log, signal);
        if (since !== undefined) await rewind(kafka, { topic, group, since, now: Date.now(), log });
        consuming = await startConsume({
          ...settings,
          clickhouse,
          kafka,
          sessionTimeoutMillis: settings.sessionTimeout * 1_000,
          retention: retentionOf(settings),
          registry,
          log,
          now: Date.now,
          signal,
        });
        console.log(`originscope consumes ${topic} as ${group}: ${monitor.url}/readyz says how it is`);
        await stopped;
        console.log('Shutting down: finishing what was read…');
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        await consuming?.close();
        await monitor.close();
        await clickhouse?.close();
        log.info({ ...consuming?.written }, 'down');
      }
      leave();
    },
  );
}

async function openWithRetries(
  server: ServerLocation,
  log: Logger,
  signal: AbortSignal,
): Promise<ClickHouse> {
  const retrier = createRetrier({
    messages: { failing: 'ClickHouse does not answer yet; retrying', recovered: 'ClickHouse answers' },
    log,
    now: Date.now,
  });
  return await retrier.run(async () => {
    const clickhouse = await openClickHouse(server);
    try {
      await requireSchema(clickhouse.reading, clickhouse);
      return clickhouse;
    } catch (error) {
      await clickhouse.close();
      throw clickhouse.unavailable(error);
    }
  }, signal);
}

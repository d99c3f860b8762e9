import type { Command } from 'commander';
import { type Logger, pino } from 'pino';
import type { Registry } from 'prom-client';
import { type ClickHouse, openClickHouse } from '../clickhouse/connection.ts';
import type { ServerLocation } from '../clickhouse/location.ts';
import { requireSchema } from '../clickhouse/migrations.ts';
import { rewind } from '../collector/kafka/admin/rewind.ts';
import { type Consume, startConsume } from '../collector/kafka/consuming/consume.ts';
import { createClosers } from '../core/closers.ts';
import { createRetrier } from '../core/outage-retrier.ts';
import { assertProtected, shownUrl } from '../server/binding.ts';
import { type Monitor, startMonitor } from '../server/monitor.ts';
import { createRegistry } from '../server/readings.ts';
import { CLICKHOUSE_SETTINGS, requiredServerOf } from './settings/clickhouse.ts';
import { KAFKA_SETTINGS, kafkaOf } from './settings/kafka.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import { RETENTION_SETTINGS, retentionOf } from './settings/retention.ts';
import type { SettingName, Settings } from './settings/table.ts';
import { parseTime } from './time.ts';
import { exitProcess, printStopped, untilSignal } from './until-signal.ts';

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

export function consume(command: Command): Command {
  command.option(
    '--since <time>',
    'rewind the group to this time, at most 48 h back: RFC 3339, or a duration before now',
    (text) => parseTime(text, Date.now()),
  );
  return addSettings(command, SETTINGS).action(
    async ({ since, ...flags }: Record<string, unknown> & { since?: number }) => {
      const settings = readSettings(flags, process.env);
      assertProtected({ host: settings.host, token: settings.token, auth: settings.auth });
      const log = pino({ base: null }, pino.destination(2));
      const stopping = new AbortController();
      const { signal } = stopping;
      const stopped = untilSignal().then(() => stopping.abort());
      const closers = createClosers();
      let consuming: Consume | undefined;
      try {
        const registry = createRegistry();
        const monitor = await monitorOf(settings, { registry, log, consuming: () => consuming });
        closers.add(monitor.close);
        // After a power cut everything starts at once: wait for what is missing, and report unready meanwhile.
        const clickhouse = await openWithRetries(requiredServerOf(settings), log, signal);
        closers.add(clickhouse.close);
        const { topic, group } = settings;
        const kafka = kafkaOf(settings);
        if (since !== undefined) await rewind(kafka, { topic, group, since, now: Date.now(), log });
        consuming = await startConsume({
          clickhouse,
          kafka,
          topic,
          deadLetterTopic: settings.deadLetterTopic,
          group,
          samplingRatios: settings.samplingRatios,
          inboundTracestate: settings.inboundTracestate,
          sessionTimeoutMillis: settings.sessionTimeout * 1_000,
          retention: retentionOf(settings),
          registry,
          log,
          now: Date.now,
          signal,
        });
        closers.add(consuming.close);
        console.log(
          `originscope consumes ${topic} as ${group}: ${shownUrl(monitor.url, settings.host)}/readyz shows its status`,
        );
        await stopped;
        console.log('Shutting down: finishing what was read…');
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        await closers.close();
        printStopped('span', consuming?.written);
      }
      exitProcess();
    },
  );
}

/** Also responds while Kafka and ClickHouse are not reachable yet. */
function monitorOf(
  { host, token, metricsPort }: Settings,
  options: {
    readonly registry: Registry;
    readonly log: Logger;
    readonly consuming: () => Consume | undefined;
  },
): Promise<Monitor> {
  const { registry, log } = options;
  return startMonitor({
    host,
    token,
    port: metricsPort,
    registry,
    async ready() {
      const consuming = options.consuming();
      return {
        missing: (await consuming?.missing()) ?? ['Kafka and ClickHouse have not answered yet'],
        troubles: consuming?.troubles ?? [],
      };
    },
    health() {
      const consuming = options.consuming();
      if (consuming === undefined) return {};
      const { counters, written, disks, troubles } = consuming;
      return {
        consumer: { ...counters, lag: Object.fromEntries(counters.lag) },
        writer: written,
        disks,
        stuck: troubles,
      };
    },
    logger: log.child({}, { level: 'warn' }),
  });
}

async function openWithRetries(
  server: ServerLocation,
  log: Logger,
  signal: AbortSignal,
): Promise<ClickHouse> {
  const retrier = createRetrier({
    messages: { failing: 'ClickHouse does not respond yet; retrying', recovered: 'ClickHouse responds' },
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

import type { Command } from 'commander';
import { pino } from 'pino';
import { requireSchema } from '../clickhouse/migrations.ts';
import { type RebuildResult, rebuild as rebuildSlots } from '../collector/kafka/admin/rebuild.ts';
import { kafkaAt, kafkaUnavailable } from '../collector/kafka/client/connection.ts';
import { derivationRules } from '../collector/otlp/decode.ts';
import type { SlotChange } from '../collector/publication/import.ts';
import { counted } from '../core/counted.ts';
import { OriginscopeError } from '../core/errors.ts';
import { openDatabase } from './database.ts';
import { createProgress } from './pages/progress.ts';
import { DATABASE_SETTINGS } from './settings/clickhouse.ts';
import { KAFKA_SETTINGS, kafkaOf } from './settings/kafka.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import { RETENTION_SETTINGS, retentionOf } from './settings/retention.ts';
import type { SettingName } from './settings/table.ts';
import { parseTime } from './time.ts';

const SETTINGS: readonly SettingName[] = [
  ...KAFKA_SETTINGS,
  'topic',
  ...DATABASE_SETTINGS,
  'samplingRatios',
  'inboundTracestate',
  ...RETENTION_SETTINGS,
];

interface Flags extends Record<string, unknown> {
  readonly since: number;
  readonly until: number;
  readonly mayShrink?: boolean;
  readonly json?: boolean;
}

export function rebuild(command: Command): Command {
  const now = Date.now();
  const time = (text: string): number => parseTime(text, now);
  command
    .requiredOption('--since <time>', 'from: RFC 3339, or a duration before now (2h)', time)
    .requiredOption('--until <time>', 'to, exclusive: RFC 3339, or a duration before now (2h)', time)
    .option(
      '--may-shrink',
      'also replace slots by fewer spans: the topic may no longer hold all their messages',
    )
    .option('--json', 'print JSON');
  return addSettings(command, SETTINGS).action(async (flags: Flags) => {
    const { since, until, mayShrink = false, json, ...rest } = flags;
    if (until <= since) {
      throw new OriginscopeError('WINDOW_EMPTY');
    }
    const settings = readSettings(rest, process.env);
    const location = kafkaOf(settings);
    const clickhouse = await openDatabase(settings, 'rebuild', { createDatabase: false });
    const progress = createProgress();
    try {
      await requireSchema(clickhouse.reading, clickhouse);
      const result = await rebuildSlots({
        kafka: kafkaAt(location, pino({ level: 'silent' })),
        topic: settings.topic,
        clickhouse,
        since,
        until,
        mayShrink,
        rules: derivationRules(settings.samplingRatios, settings.inboundTracestate),
        retention: retentionOf(settings),
        now: Date.now,
        onProgress: (read, total) =>
          progress.show(read / total, `${read.toLocaleString('en')} messages of ${settings.topic}`),
      });
      progress.clear();
      console.log(json ? JSON.stringify(result) : inWords(result));
      if (result.conflicting.length > 0) process.exitCode = 1;
    } catch (error) {
      progress.clear();
      throw isKafkas(error) ? kafkaUnavailable(location, error) : error;
    } finally {
      await clickhouse.close();
    }
  });
}

function isKafkas(error: unknown): boolean {
  return error instanceof Error && error.name.startsWith('KafkaJS');
}

function inWords(result: RebuildResult): string {
  const {
    messages,
    malformed,
    unreadableBatches,
    rejected,
    spans,
    written,
    published,
    unchanged,
    replaced,
    conflicting,
  } = result;
  const lines = [
    `${counted(messages, 'message')} read, with ${counted(spans, 'decision span')} of that time`,
    `${counted(written, 'span')} written again to slots that are open`,
    `${counted(published.length, 'frozen slot')} published that held nothing, ${unchanged.length} held the same already`,
  ];
  if (malformed > 0) lines.push(`${counted(malformed, 'message')} skipped: they are not valid OTLP`);
  if (unreadableBatches > 0) {
    lines.push(
      `batches of messages passed over, because they are too large or not readable: ${unreadableBatches}`,
    );
  }
  if (rejected > 0) lines.push(`${counted(rejected, 'span')} rejected: they are broken, or of another time`);
  if (replaced.length > 0) {
    lines.push(`${counted(replaced.length, 'frozen slot')} replaced:`, ...replaced.map(change));
  }
  if (conflicting.length > 0) {
    lines.push(
      `${counted(conflicting.length, 'frozen slot')} left as they are, because they would shrink (--may-shrink does it all the same):`,
      ...conflicting.map(change),
    );
  }
  return lines.join('\n');
}

function change({ slot, before, after }: SlotChange): string {
  const from = `${counted(before.spans, 'span')} with ${counted(before.decisions, 'decision')}`;
  const to = `${counted(after.spans, 'span')} with ${counted(after.decisions, 'decision')}`;
  return `  ${new Date(slot).toISOString()}  ${from} → ${to}`;
}

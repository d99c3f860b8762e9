import { Command, InvalidArgumentError } from 'commander';
import type { Kafka } from 'kafkajs';
import { pino } from 'pino';
import { kafkaAt, kafkaUnavailable } from '../collector/kafka/client/connection.ts';
import {
  type Letter,
  listDeadLetters,
  type ReplayResult,
  replayDeadLetters,
} from '../collector/kafka/dead-letters/replay.ts';
import { counted } from '../core/counted.ts';
import { originscopeCommand } from '../core/program.ts';
import { KAFKA_SETTINGS, kafkaOf } from './settings/kafka.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import type { SettingName, Settings } from './settings/table.ts';

const SETTINGS: readonly SettingName[] = [...KAFKA_SETTINGS, 'topic', 'deadLetterTopic', 'group'];

interface Flags extends Record<string, unknown> {
  readonly limit?: number;
  readonly json?: boolean;
}

export function deadLetters(command: Command): Command {
  return command.addCommand(list()).addCommand(replay());
}

function list(): Command {
  const command = new Command('list')
    .description('the newest dead letters')
    .option('--limit <number>', 'at most this many', wholeNumber, 20)
    .option('--json', 'print JSON');
  return addSettings(command, SETTINGS).action(async ({ limit = 20, json, ...flags }: Flags) => {
    const settings = readSettings(flags, process.env);
    const found = await withKafka(settings, (kafka) =>
      listDeadLetters({
        kafka,
        deadLetterTopic: settings.deadLetterTopic,
        group: settings.group,
        limit,
      }),
    );
    if (json) {
      const letters = found.letters.map((letter) => ({
        ...letter,
        writtenAt: new Date(letter.writtenAt).toISOString(),
      }));
      console.log(JSON.stringify({ ...found, letters }, null, 2));
      return;
    }
    for (const letter of found.letters) console.log(inWords(letter));
    console.log(
      `${counted(found.total, 'dead letter')} in ${settings.deadLetterTopic}, ${found.waiting} not replayed`,
    );
  });
}

function replay(): Command {
  const command = new Command('replay')
    .description('send dead letters to the topic again, once each, with their original timestamps')
    .option('--limit <number>', 'at most this many, oldest first', wholeNumber)
    .option('--json', 'print JSON');
  return addSettings(command, [...SETTINGS, 'compression']).action(
    async ({ limit = Number.POSITIVE_INFINITY, json, ...flags }: Flags) => {
      const settings = readSettings(flags, process.env);
      const result = await withKafka(settings, (kafka) =>
        replayDeadLetters({
          kafka,
          deadLetterTopic: settings.deadLetterTopic,
          group: settings.group,
          topic: settings.topic,
          compression: settings.compression,
          limit,
          now: Date.now(),
        }),
      );
      console.log(json ? JSON.stringify(result) : said(result, settings));
    },
  );
}

async function withKafka<Result>(
  settings: Settings,
  work: (kafka: Kafka) => Promise<Result>,
): Promise<Result> {
  const location = kafkaOf(settings);
  try {
    return await work(kafkaAt(location, pino({ level: 'silent' })));
  } catch (error) {
    throw kafkaUnavailable(location, error);
  }
}

function inWords({ writtenAt, reason, message, from, holds, bytes, isReplayed }: Letter): string {
  const what = holds === 'batch' ? 'whole batch, ' : '';
  const size = what + (bytes === undefined ? 'body omitted' : `${bytes} bytes`);
  const state = isReplayed ? ', replayed' : '';
  return `${new Date(writtenAt).toISOString()}  ${reason}  ${from}  ${size}${state}\n    ${message}`;
}

function said(
  { replayed, tooOld, withoutBody, batches, waiting }: ReplayResult,
  { topic }: Settings,
): string {
  const lines = [`${counted(replayed, 'dead letter')} sent to ${topic} again`];
  if (tooOld > 0) {
    lines.push(
      `${tooOld} left out: written more than 48 hours ago; as long as ${topic} has them, ${originscopeCommand(['rebuild'])} reads them`,
    );
  }
  for (const { from } of withoutBody) lines.push(`left out, because its body was too large: ${from}`);
  for (const { from, message } of batches) {
    lines.push(`left out, because no consumer reads such a batch: ${from}\n    ${message}`);
  }
  if (waiting > 0) lines.push(`${waiting} wait beyond --limit`);
  return lines.join('\n');
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Expected a whole number from 1 on.');
  return Number(text);
}

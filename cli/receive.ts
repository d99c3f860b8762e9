import type { Command } from 'commander';
import { pino } from 'pino';
import { startReceive } from '../collector/kafka/producing/receive.ts';
import { shownUrl } from '../server/binding.ts';
import { KAFKA_SETTINGS, kafkaOf } from './settings/kafka.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import type { SettingName } from './settings/table.ts';
import { exitProcess, printStopped, untilSignal } from './until-signal.ts';

const SETTINGS: readonly SettingName[] = [
  'host',
  'port',
  'token',
  'auth',
  ...KAFKA_SETTINGS,
  'topic',
  'compression',
];

export function receive(command: Command): Command {
  return addSettings(command, SETTINGS).action(async (flags: Record<string, unknown>) => {
    const settings = readSettings(flags, process.env);
    const log = pino({ base: null }, pino.destination(2));
    const receiving = await startReceive({
      host: settings.host,
      port: settings.port,
      token: settings.token,
      auth: settings.auth,
      kafka: kafkaOf(settings),
      topic: settings.topic,
      compression: settings.compression,
      log,
      now: Date.now,
    });
    const stopped = untilSignal();
    console.log(
      `originscope receives: send OTLP to ${shownUrl(receiving.url, settings.host)}, it goes to topic ${settings.topic}`,
    );
    await stopped;
    console.log('Shutting down: finishing what was received…');
    await receiving.close();
    printStopped('message', receiving.produced);
    exitProcess();
  });
}

import type { Command } from 'commander';
import { pino } from 'pino';
import { startReceive } from '../collector/kafka/producing/receive.ts';
import { KAFKA_SETTINGS, kafkaOf } from './settings/kafka.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import type { SettingName } from './settings/table.ts';
import { exitProcess, untilSignal } from './until-signal.ts';

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
    console.log(`originscope receives: send OTLP to ${receiving.url}, it goes to topic ${settings.topic}`);
    await untilSignal();
    console.log('Shutting down: finishing what was received…');
    await receiving.close();
    log.info({ ...receiving.produced }, 'down');
    exitProcess();
  });
}

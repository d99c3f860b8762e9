import { Command } from 'commander';
import { pino } from 'pino';
import { startCollector } from '../collector/collector.ts';
import { startControl } from '../server/control.ts';
import { DATABASE_SETTINGS, takeDatabase } from './database.ts';
import { RETENTION_SETTINGS, retentionOf } from './settings/locations.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import type { SettingName } from './settings/table.ts';
import { untilSignal } from './until-signal.ts';

const SETTINGS: readonly SettingName[] = [
  ...DATABASE_SETTINGS,
  'host',
  'port',
  'token',
  'auth',
  'samplingRatios',
  'inboundTracestate',
  ...RETENTION_SETTINGS,
];

export function up(): Command {
  const command = new Command('up').description('receive OTLP, write and publish, in one process');
  return addSettings(command, SETTINGS).action(async (flags: Record<string, unknown>) => {
    const settings = readSettings(flags, process.env);
    // One line on standard output for people; the log goes to standard error.
    const log = pino({ base: null }, pino.destination(2));
    const database = await takeDatabase(settings, 'up');
    try {
      const collector = await startCollector({
        location: database.location,
        ...settings,
        retention: retentionOf(settings),
        log,
        now: Date.now,
      });
      const control = await startControl({ reading: collector.reading });
      database.announce(control.address);
      console.log(`originscope is up: send OTLP to ${collector.url}, data in ${database.name}`);
      console.log('Then: originscope report');
      await untilSignal();
      console.log('Shutting down: finishing what was received…');
      await control.close();
      await collector.close();
      log.info({ ...collector.written }, 'down');
    } finally {
      database.release();
    }
  });
}

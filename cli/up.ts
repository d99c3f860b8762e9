import type { Command } from 'commander';
import { type Logger, pino } from 'pino';
import { startCollector } from '../collector/collector.ts';
import { derivationRules } from '../collector/otlp/decode.ts';
import { opening } from '../core/closers.ts';
import { originscopeCommand } from '../core/program.ts';
import { assertCanListen, assertProtected, shownUrl } from '../server/binding.ts';
import { startControl } from '../server/control.ts';
import { createRegistry } from '../server/readings.ts';
import { startAlertingAnalyzer } from './alerting.ts';
import { takeDatabase } from './database.ts';
import { questionsAbout } from './running-process.ts';
import { ALERTING_SETTINGS } from './settings/alerting.ts';
import { DATABASE_SETTINGS } from './settings/clickhouse.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import { RETENTION_SETTINGS, retentionOf } from './settings/retention.ts';
import type { SettingName, Settings } from './settings/table.ts';
import { printStopped, untilSignal } from './until-signal.ts';

const SETTINGS: readonly SettingName[] = [
  ...DATABASE_SETTINGS,
  'host',
  'port',
  'token',
  'auth',
  'samplingRatios',
  'inboundTracestate',
  ...RETENTION_SETTINGS,
  ...ALERTING_SETTINGS,
];

export function up(command: Command): Command {
  return addSettings(command, SETTINGS).action(async (flags: Record<string, unknown>) => {
    const settings = readSettings(flags, process.env);
    // Standard output gets one line for people, the log goes to standard error.
    const log = pino({ base: null }, pino.destination(2));
    const { collector, database, close } = await start(settings, log);
    // Before anybody is told that it is up, and could end it.
    const stopped = untilSignal();
    console.log(
      `originscope is up: send OTLP to ${shownUrl(collector.url, settings.host)}, data in ${database.name}`,
    );
    console.log(`Then: ${originscopeCommand(['report', ...database.flags])}`);
    await stopped;
    console.log('Shutting down: finishing what was received…');
    await close();
    printStopped('span', collector.written);
  });
}

function start(settings: Settings, log: Logger) {
  return opening(async (closers) => {
    assertProtected({ host: settings.host, token: settings.token, auth: settings.auth });
    // Before the data directory is created.
    await assertCanListen(settings.host, settings.port);
    const database = await takeDatabase(settings, 'up');
    closers.add(database.release);
    const registry = createRegistry();
    const retention = retentionOf(settings);
    const collector = await startCollector({
      location: database.location,
      host: settings.host,
      port: settings.port,
      token: settings.token,
      auth: settings.auth,
      samplingRatios: settings.samplingRatios,
      inboundTracestate: settings.inboundTracestate,
      retention,
      log,
      now: Date.now,
      registry,
    });
    closers.add(collector.close);
    const { clickhouse } = collector;
    const analyzer = await startAlertingAnalyzer(settings, {
      clickhouse,
      log,
      registry,
      terminal: process.stdout,
    });
    closers.add(analyzer.close);
    const control = await startControl(
      questionsAbout(collector.clickhouse, {
        derivation: derivationRules(settings.samplingRatios, settings.inboundTracestate),
        retention,
      }),
    );
    closers.add(control.close);
    database.announce(control.address);
    return { collector, database, close: closers.close };
  });
}

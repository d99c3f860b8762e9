import type { Command } from 'commander';
import { pino } from 'pino';
import { requireSchema } from '../clickhouse/migrations.ts';
import { opening } from '../core/closers.ts';
import { assertProtected } from '../server/binding.ts';
import { startMonitor } from '../server/monitor.ts';
import { createRegistry } from '../server/readings.ts';
import { startAlertingAnalyzer } from './alerting.ts';
import { openDatabase } from './database.ts';
import { ALERTING_SETTINGS } from './settings/alerting.ts';
import { DATABASE_SETTINGS } from './settings/clickhouse.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import type { SettingName } from './settings/table.ts';
import { untilSignal } from './until-signal.ts';

const SETTINGS: readonly SettingName[] = [
  ...DATABASE_SETTINGS,
  ...ALERTING_SETTINGS,
  'host',
  'metricsPort',
  'token',
  'auth',
];

export function analyze(command: Command): Command {
  return addSettings(command, SETTINGS).action(async (flags: Record<string, unknown>) => {
    const settings = readSettings(flags, process.env);
    assertProtected({ host: settings.host, token: settings.token, auth: settings.auth });
    const log = pino({ base: null }, pino.destination(2));
    const { close, url } = await opening(async (closers) => {
      const clickhouse = await openDatabase(settings, 'analyze', { createDatabase: false });
      closers.add(clickhouse.close);
      await requireSchema(clickhouse.reading, clickhouse);
      const registry = createRegistry();
      const analyzer = await startAlertingAnalyzer(settings, {
        clickhouse,
        log,
        registry,
        terminal: process.stdout,
      });
      closers.add(analyzer.close);
      const monitor = await startMonitor({
        host: settings.host,
        port: settings.metricsPort,
        token: settings.token,
        registry,
        async ready() {
          const { success } = await clickhouse.reading.ping({ select: true });
          return {
            missing: success ? [] : ['ClickHouse does not respond'],
            troubles: analyzer.troubles(),
          };
        },
        health: () => ({}),
        logger: log.child({}, { level: 'warn' }),
      });
      closers.add(monitor.close);
      return { close: closers.close, url: monitor.url };
    });
    console.log(`originscope analyzes each minute once it has settled; status: ${url}/readyz`);
    await untilSignal();
    await close();
  });
}

import type { Command } from 'commander';
import { pino } from 'pino';
import { requireSchema } from '../clickhouse/migrations.ts';
import { opening } from '../core/closers.ts';
import { startAlertingAnalyzer } from './alerting.ts';
import { openDatabase } from './database.ts';
import { ALERTING_SETTINGS } from './settings/alerting.ts';
import { DATABASE_SETTINGS } from './settings/clickhouse.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import { untilSignal } from './until-signal.ts';

export function analyze(command: Command): Command {
  return addSettings(command, [...DATABASE_SETTINGS, ...ALERTING_SETTINGS]).action(
    async (flags: Record<string, unknown>) => {
      const settings = readSettings(flags, process.env);
      const log = pino({ base: null }, pino.destination(2));
      const { close } = await opening(async (closers) => {
        const clickhouse = await openDatabase(settings, 'analyze', { createDatabase: false });
        closers.add(clickhouse.close);
        await requireSchema(clickhouse.reading, clickhouse);
        const analyzer = startAlertingAnalyzer(settings, { clickhouse, log, terminal: process.stdout });
        closers.add(analyzer.close);
        return { close: closers.close };
      });
      console.log('originscope analyzes each minute once it has settled');
      await untilSignal();
      await close();
    },
  );
}

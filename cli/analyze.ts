import { Command } from 'commander';
import { pino } from 'pino';
import { startAnalyzer } from '../analyzer/analyzer.ts';
import { requireSchema } from '../clickhouse/migrations.ts';
import { DATABASE_SETTINGS, openDatabase } from './database.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import { untilSignal } from './until-signal.ts';

export function analyze(): Command {
  const command = new Command('analyze').description(
    'analyze each minute as it settles and store incidents, beside consumers; "originscope up" does it itself',
  );
  return addSettings(command, DATABASE_SETTINGS).action(async (flags: Record<string, unknown>) => {
    const log = pino({ base: null }, pino.destination(2));
    const clickhouse = await openDatabase(readSettings(flags, process.env), 'analyze', {
      createDatabase: false,
    });
    try {
      await requireSchema(clickhouse.reading, clickhouse);
      const analyzer = startAnalyzer({ clickhouse, log, now: Date.now });
      console.log('originscope analyzes');
      await untilSignal();
      await analyzer.close();
    } finally {
      await clickhouse.close();
    }
  });
}

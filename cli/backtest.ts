import { Command } from 'commander';
import { backtest as runBacktest } from '../analyzer/backtest.ts';
import { documentOf } from '../analyzer/incidents/incident-document.ts';
import { requireSchema } from '../clickhouse/migrations.ts';
import { OriginscopeError } from '../core/errors.ts';
import { DATABASE_SETTINGS, openDatabase } from './database.ts';
import { renderIncidents } from './pages/incident-page.ts';
import { createProgress } from './pages/progress.ts';
import { pageOptions } from './pages/terminal.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import { parseTime } from './time.ts';

interface Flags extends Record<string, unknown> {
  readonly since: number;
  readonly until?: number;
  readonly json?: boolean;
}

export function backtest(): Command {
  const now = Date.now();
  const time = (text: string): number => parseTime(text, now);
  const command = new Command('backtest')
    .description('which incidents the analyzer would have raised in a recorded time; writes nothing')
    .requiredOption(
      '--since <time>',
      'from: RFC 3339 or a span before now; what lies before is the warm-up',
      time,
    )
    .option('--until <time>', 'to, exclusive: RFC 3339 or a span before now; default now', time)
    .option('--json', 'the incidents as JSON');
  return addSettings(command, DATABASE_SETTINGS).action(async (flags: Flags) => {
    const { since, until = now, json, ...rest } = flags;
    if (until <= since) {
      throw new OriginscopeError('WINDOW_EMPTY', '--until is not after --since', {
        remedy: 'Give a --since that lies before --until, for example --since 3d --until 2d.',
      });
    }
    const clickhouse = await openDatabase(readSettings(rest, process.env), 'backtest', {
      createDatabase: false,
    });
    const progress = createProgress();
    try {
      await requireSchema(clickhouse.reading, clickhouse);
      const incidents = await runBacktest(clickhouse.reading, {
        since,
        until,
        onProgress: (fraction, minute) =>
          progress.show(fraction, new Date(minute).toISOString().slice(0, 16)),
      });
      progress.clear();
      const documents = incidents.map(documentOf);
      if (json) console.log(JSON.stringify(documents, null, 2));
      else process.stdout.write(renderIncidents(documents, pageOptions(process.stdout)));
    } finally {
      progress.clear();
      await clickhouse.close();
    }
  });
}

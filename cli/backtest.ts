import type { Command } from 'commander';
import type { IncidentDocument } from '../analyzer/incidents/incident-document.ts';
import { OriginscopeError } from '../core/errors.ts';
import type { OnProgress } from '../server/control.ts';
import { askRunningOrHere } from './database.ts';
import { renderIncidents } from './pages/incident-page.ts';
import { createProgress } from './pages/progress.ts';
import { pageOptions } from './pages/terminal.ts';
import { askToBacktest, backtestDocuments, type Period } from './running-process.ts';
import { DATABASE_SETTINGS } from './settings/clickhouse.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import type { Settings } from './settings/table.ts';
import { parseTime } from './time.ts';

interface Flags extends Record<string, unknown> {
  readonly since: number;
  readonly until?: number;
  readonly json?: boolean;
}

export function backtest(command: Command): Command {
  const now = Date.now();
  const time = (text: string): number => parseTime(text, now);
  command
    .requiredOption(
      '--since <time>',
      'from: RFC 3339, or a duration before now (2h); earlier data is the warm-up',
      time,
    )
    .option('--until <time>', 'to, exclusive: RFC 3339, or a duration before now (2h); default now', time)
    .option('--json', 'print JSON');
  return addSettings(command, DATABASE_SETTINGS).action(async (flags: Flags) => {
    const { since, until = now, json, ...rest } = flags;
    if (until <= since) {
      throw new OriginscopeError('WINDOW_EMPTY');
    }
    const progress = createProgress();
    try {
      const documents = await findIncidents(readSettings(rest, process.env), {
        since,
        until,
        onProgress: (fraction, doing) => progress.show(fraction, doing),
      });
      progress.clear();
      if (json) console.log(JSON.stringify(documents, null, 2));
      else process.stdout.write(renderIncidents(documents, pageOptions(process.stdout)));
    } finally {
      progress.clear();
    }
  });
}

function findIncidents(
  settings: Settings,
  { since, until, onProgress }: Period & { readonly onProgress: OnProgress },
): Promise<readonly IncidentDocument[]> {
  return askRunningOrHere(settings, 'backtest', {
    running: (control) => askToBacktest(control, { since, until }, onProgress),
    here: ({ reading }) => backtestDocuments(reading, { since, until, onProgress }),
  });
}

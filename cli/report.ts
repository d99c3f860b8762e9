import { Command } from 'commander';
import { holderOf } from '../clickhouse/data-directory.ts';
import { requireSchema } from '../clickhouse/migrations.ts';
import { OriginscopeError } from '../core/errors.ts';
import { type Report, type ReportOptions, report as readReport } from '../reports/report.ts';
import { askForReport } from '../server/control.ts';
import { DATABASE_SETTINGS, openDatabase } from './database.ts';
import { renderReport } from './pages/report-page.ts';
import { pageOptions } from './pages/terminal.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import type { Settings } from './settings/table.ts';
import { parseTime } from './time.ts';

interface Flags {
  readonly since: number;
  readonly until?: number;
  readonly service?: string;
  readonly json?: boolean;
}

export function report(): Command {
  const now = Date.now();
  const time = (text: string): number => parseTime(text, now);
  const command = new Command('report')
    .description('what browsers did with the answers, by service: who was refused, why, and what to change')
    .option('--since <time>', 'from: RFC 3339 or a span before now', time, time('24h'))
    .option('--until <time>', 'to, exclusive: RFC 3339 or a span before now; default now', time)
    .option('--service <name>', 'this service only, in full')
    .option('--json', 'all of it, for a machine');
  // Commander prints the parsed default; people know spans.
  command.options[0]?.default(time('24h'), '24h');
  return addSettings(command, DATABASE_SETTINGS).action(async (flags: Flags) => {
    const { since, until = now, service, json, ...rest } = flags;
    const settings = readSettings(rest, process.env);
    if (until <= since) {
      throw new OriginscopeError('WINDOW_EMPTY');
    }
    const found = await findReport(settings, { since, until, ...(service !== undefined && { service }) });
    if (json) console.log(JSON.stringify(found, null, 2));
    else printReport(found);
  });
}

/** The page for people, fitted to the terminal. */
export function printReport(report: Report): void {
  process.stdout.write(renderReport(report, pageOptions(process.stdout)));
}

/** From the running process that has the directory, else from the database itself. */
async function findReport(settings: Settings, options: ReportOptions): Promise<Report> {
  const control = settings.clickhouse === undefined ? holderOf(settings.data)?.control : undefined;
  if (control !== undefined) return askForReport(control, options);
  const clickhouse = await openDatabase(settings, 'report', { createDatabase: false });
  try {
    await requireSchema(clickhouse.reading, clickhouse);
    return await readReport(clickhouse.reading, { ...options, dialect: clickhouse.dialect });
  } finally {
    await clickhouse.close();
  }
}

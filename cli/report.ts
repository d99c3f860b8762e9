import { type Command, InvalidArgumentError } from 'commander';
import { OriginscopeError } from '../core/errors.ts';
import { type Report, type ReportOptions, report as readReport } from '../reports/report.ts';
import { askRunningOrHere } from './database.ts';
import { renderReport } from './pages/report-page.ts';
import { pageOptions } from './pages/terminal.ts';
import { askForReport } from './running-process.ts';
import { DATABASE_SETTINGS } from './settings/clickhouse.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import type { Settings } from './settings/table.ts';
import { parseTime } from './time.ts';

interface Flags {
  readonly since: number;
  readonly until?: number;
  readonly service?: string;
  readonly limit?: number;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** Rows of each list of the page. */
const SHOWN_ROWS = 10;
const MOST_ROWS = 10_000;

export function report(command: Command): Command {
  const now = Date.now();
  const time = (text: string): number => parseTime(text, now);
  command
    .option('--since <time>', 'from: RFC 3339, or a duration before now (2h)', time, time('24h'))
    .option('--until <time>', 'to, exclusive: RFC 3339, or a duration before now (2h); default now', time)
    .option('--service <name>', 'only this service, with all details')
    .option('--limit <number>', 'rows of each list; default 10, with --json 10000', parseLimit)
    .option('--all', 'all rows of each list, up to 10000')
    .option('--json', 'print all of it as JSON');
  // Commander would print the parsed default; show the duration instead.
  command.options[0]?.default(time('24h'), '24h');
  return addSettings(command, DATABASE_SETTINGS).action(async (flags: Flags) => {
    const { since, until = now, service, limit, all, json, ...rest } = flags;
    const settings = readSettings(rest, process.env);
    if (until <= since) {
      throw new OriginscopeError('WINDOW_EMPTY');
    }
    const rows = limit ?? (all || json ? MOST_ROWS : SHOWN_ROWS);
    const found = await findReport(settings, {
      since,
      until,
      limit: rows,
      ...(service !== undefined && { service }),
    });
    if (json) console.log(JSON.stringify(found, null, 2));
    else printReport(found);
  });
}

function parseLimit(text: string): number {
  const rows = Number(text);
  if (!Number.isInteger(rows) || rows < 1 || rows > MOST_ROWS) {
    throw new InvalidArgumentError(`Expected a whole number from 1 to ${MOST_ROWS}.`);
  }
  return rows;
}

/** Prints the report, fitted to the terminal. */
export function printReport(report: Report): void {
  process.stdout.write(renderReport(report, pageOptions(process.stdout)));
}

function findReport(settings: Settings, options: ReportOptions): Promise<Report> {
  return askRunningOrHere(settings, 'report', {
    running: (control) => askForReport(control, options),
    here: ({ reading, dialect }) => readReport(reading, { ...options, dialect }),
  });
}

import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { openClickHouse } from '../collector/clickhouse/connection.ts';
import { requireSchema } from '../collector/clickhouse/migrations.ts';
import { askForReport } from '../collector/control.ts';
import { holderOf, takeDataDirectory } from '../collector/data-directory.ts';
import { OriginscopeError } from '../collector/errors.ts';
import { type Report, type ReportOptions, report as readReport } from '../collector/usage/report.ts';
import { renderReport } from './report-page.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import { pageOptions } from './terminal.ts';
import { parseTime } from './time.ts';

/** How long another reader, or an import, that has the directory is waited for. */
const WAIT_MILLIS = 30_000;

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
  return addSettings(command, ['data']).action(async (flags: Flags) => {
    const { since, until = now, service, json, ...settings } = flags;
    const { data } = readSettings(settings, process.env);
    if (until <= since) {
      throw new OriginscopeError('WINDOW_EMPTY', '--until is not after --since', {
        remedy: 'Give a --since that lies before --until, for example --since 2h.',
      });
    }
    const found = await findReport(data, { since, until, ...(service !== undefined && { service }) });
    if (json) console.log(JSON.stringify(found, null, 2));
    else printReport(found);
  });
}

/** The page for people, fitted to the terminal. */
export function printReport(report: Report): void {
  process.stdout.write(renderReport(report, pageOptions(process.stdout)));
}

/** From the running process that has the directory, else from the directory. */
async function findReport(path: string, options: ReportOptions): Promise<Report> {
  const control = holderOf(path)?.control;
  if (control !== undefined) return askForReport(control, options);
  if (!existsSync(path)) {
    throw new OriginscopeError('SCHEMA_MISSING', `There is no Originscope data in ${path} yet`, {
      remedy: 'Start "originscope up", or say with --data where it is.',
    });
  }
  const directory = await takeDataDirectory(path, 'report', { now: Date.now, waitMillis: WAIT_MILLIS });
  try {
    const clickhouse = await openClickHouse({ directory: directory.path });
    try {
      await requireSchema(clickhouse.reading, clickhouse);
      return await readReport(clickhouse.reading, options);
    } finally {
      await clickhouse.close();
    }
  } finally {
    directory.release();
  }
}

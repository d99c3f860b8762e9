import { resolve } from 'node:path';
import type { Command } from 'commander';
import { migrate } from '../clickhouse/migrations.ts';
import { applyRetention } from '../clickhouse/retention.ts';
import { derivationRules } from '../collector/otlp/decode.ts';
import { OriginscopeError } from '../core/errors.ts';
import type { OnProgress } from '../server/control.ts';
import { openDatabase, runningControl } from './database.ts';
import { type ImportSummary, importFiles } from './import-files.ts';
import { createProgress } from './pages/progress.ts';
import { askToImport } from './running-process.ts';
import { DATABASE_SETTINGS } from './settings/clickhouse.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import { RETENTION_SETTINGS, retentionOf } from './settings/retention.ts';
import type { SettingName, Settings } from './settings/table.ts';

const SETTINGS: readonly SettingName[] = [
  ...DATABASE_SETTINGS,
  'samplingRatios',
  'inboundTracestate',
  ...RETENTION_SETTINGS,
];

export function importSpans(command: Command): Command {
  command
    .argument('<file...>', 'files, or "-" for standard input')
    .option('--skip-malformed', 'skip lines that are not valid OTLP, and count them')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nWhile "originscope up" runs on the data directory, it does the import, with its own settings.',
    );
  return addSettings(command, SETTINGS).action(
    async (files: string[], flags: { json?: boolean; skipMalformed?: boolean }) => {
      const settings = readSettings({ ...flags }, process.env);
      const summary = await importInto(settings, files, flags.skipMalformed === true);
      console.log(flags.json ? JSON.stringify(summary) : inWords(summary));
      if (summary.refused.length > 0) process.exitCode = 1;
    },
  );
}

/** Done by the running process that holds the directory, or else here. */
async function importInto(
  settings: Settings,
  files: readonly string[],
  skipMalformed: boolean,
): Promise<ImportSummary> {
  const progress = createProgress();
  const onProgress = progress.show;
  try {
    const control = runningControl(settings);
    if (control !== undefined) {
      if (files.includes('-')) throw new OriginscopeError('INPUT_NOT_SHARED', { data: settings.data });
      // The running process has another working directory.
      return await askToImport(
        control,
        { files: files.map((file) => resolve(file)), skipMalformed },
        onProgress,
      );
    }
    return await importHere(settings, files, skipMalformed, onProgress);
  } finally {
    progress.clear();
  }
}

async function importHere(
  settings: Settings,
  files: readonly string[],
  skipMalformed: boolean,
  onProgress: OnProgress,
): Promise<ImportSummary> {
  const retention = retentionOf(settings);
  const clickhouse = await openDatabase(settings, 'import', { createDatabase: true });
  try {
    await migrate(clickhouse.writing, clickhouse);
    await applyRetention(clickhouse.writing, retention, clickhouse.dialect);
    return await importFiles({
      clickhouse,
      files,
      skipMalformed,
      derivation: derivationRules(settings.samplingRatios, settings.inboundTracestate),
      retention,
      // Nobody else opens a directory that this process holds.
      isAlone: settings.clickhouse === undefined,
      onProgress,
    });
  } finally {
    await clickhouse.close();
  }
}

function inWords(summary: ImportSummary): string {
  const lines = [
    `${summary.spans.toLocaleString('en')} decision spans read`,
    `${summary.written.toLocaleString('en')} written to slots that are open`,
    `${summary.published.length} older slots published, ${summary.unchanged.length} held the same already`,
  ];
  const add = (count: number, text: string) =>
    count > 0 && lines.push(`${count.toLocaleString('en')} ${text}`);
  add(summary.passedOver, 'spans skipped: they are not CORS decisions');
  add(summary.rejected, 'spans rejected: they are broken');
  add(summary.malformedLines, 'malformed lines skipped');
  add(summary.expired, 'spans left out: older than the minutes that are kept (--keep-minutes)');
  add(summary.ahead, 'spans left out: they lie in the future');
  add(summary.late, 'spans left out: their slot froze before they were written; import the file again');
  if (summary.refused.length > 0) {
    lines.push(
      'refused, because these slots are frozen and hold other spans:',
      ...summary.refused.map((slot) => `  ${new Date(slot).toISOString()}`),
    );
  }
  return lines.join('\n');
}

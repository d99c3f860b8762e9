import { createReadStream, statSync } from 'node:fs';
import type { Command } from 'commander';
import { migrate } from '../clickhouse/migrations.ts';
import { applyRetention } from '../clickhouse/retention.ts';
import { createWriter } from '../collector/ingest/writer.ts';
import { decodeTraces, derivationRules } from '../collector/otlp/decode.ts';
import type { DerivationRules } from '../collector/otlp/derived-span-of.ts';
import { beginImport, type Import, type ImportResult } from '../collector/publication/import.ts';
import { createPublisher } from '../collector/publication/publisher.ts';
import { hasCode, messageOf, OriginscopeError } from '../core/errors.ts';
import { openDatabase } from './database.ts';
import { createProgress } from './pages/progress.ts';
import { DATABASE_SETTINGS } from './settings/clickhouse.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import { RETENTION_SETTINGS, retentionOf } from './settings/retention.ts';
import type { SettingName } from './settings/table.ts';

const SETTINGS: readonly SettingName[] = [
  ...DATABASE_SETTINGS,
  'samplingRatios',
  'inboundTracestate',
  ...RETENTION_SETTINGS,
];

/** An import accepts spans of any time; which are kept is decided by slot. */
const EVER = { earliest: 0, latest: Number.POSITIVE_INFINITY };

/** What was read, in addition to what the import did with it. */
interface Summary extends Omit<ImportResult, 'replaced' | 'refused'> {
  /** Frozen slots that hold other spans. */
  readonly refused: readonly number[];
  readonly spans: number;
  readonly passedOver: number;
  readonly rejected: number;
  readonly malformedLines: number;
}

export function importSpans(command: Command): Command {
  command
    .argument('<file...>', 'files, or "-" for standard input')
    .option('--skip-malformed', 'skip lines that are not valid OTLP, and count them')
    .option('--json', 'print JSON');
  return addSettings(command, SETTINGS).action(
    async (files: string[], flags: { json?: boolean; skipMalformed?: boolean }) => {
      const settings = readSettings({ ...flags }, process.env);
      const retention = retentionOf(settings);
      const clickhouse = await openDatabase(settings, 'import', { createDatabase: true });
      try {
        await migrate(clickhouse.writing, clickhouse);
        await applyRetention(clickhouse.writing, retention, clickhouse.dialect);
        const writer = createWriter({ client: clickhouse.writing, now: Date.now });
        const publisher = createPublisher({
          client: clickhouse.publishing,
          dialect: clickhouse.dialect,
          now: Date.now,
          retention,
          // Its hours are published at the end, regardless of their age.
          republishMillis: 0,
          // This process holds the directory, so there are no readers to wait for.
          ...(settings.clickhouse === undefined && { readerGraceMillis: 0 }),
        });
        const importing = await beginImport({
          client: clickhouse.publishing,
          writer,
          publisher,
          now: Date.now,
          retention,
        });
        const read = await readFiles(files, importing, {
          rules: derivationRules(settings.samplingRatios, settings.inboundTracestate),
          skipMalformed: flags.skipMalformed === true,
        });
        const { replaced: _, refused, ...done } = await importing.finish();
        const summary: Summary = { ...read, ...done, refused: refused.map(({ slot }) => slot) };
        await writer.close();
        console.log(flags.json ? JSON.stringify(summary) : inWords(summary));
        if (summary.refused.length > 0) process.exitCode = 1;
      } finally {
        await clickhouse.close();
      }
    },
  );
}

/** @throws OriginscopeError `FILE_UNREADABLE`, `LINE_MALFORMED` */
async function readFiles(
  files: readonly string[],
  importing: Import,
  { rules, skipMalformed }: { readonly rules: DerivationRules; readonly skipMalformed: boolean },
): Promise<Pick<Summary, 'spans' | 'passedOver' | 'rejected' | 'malformedLines'>> {
  const progress = createProgress();
  const total = files.includes('-') ? undefined : files.reduce((sum, file) => sum + sizeOf(file), 0);
  const counts = { spans: 0, passedOver: 0, rejected: 0, malformedLines: 0 };
  let bytes = 0;
  try {
    for (const file of files) {
      let number = 0;
      for await (const line of linesOf(file, (read) => {
        bytes += read;
      })) {
        number++;
        if (line.trim() === '') continue;
        try {
          const decoded = decodeTraces(Buffer.from(line), 'json', EVER, rules, LONGEST_LINE);
          counts.spans += decoded.spans.length;
          counts.passedOver += decoded.passedOver;
          counts.rejected += decoded.rejected;
          await importing.add(decoded.spans);
        } catch (cause) {
          if (!hasCode(cause, 'OTLP_MALFORMED')) throw cause;
          // Frozen slots are published as a whole: half a file would exclude the other half.
          if (!skipMalformed) throw malformed(file, number, cause);
          counts.malformedLines++;
        }
        progress.show(
          total === undefined ? undefined : bytes / total,
          `${counts.spans.toLocaleString('en')} decision spans`,
        );
      }
    }
    progress.show(1, 'publishing…');
    return counts;
  } finally {
    progress.clear();
  }
}

/** The Collector's batches are far smaller. */
const LONGEST_LINE = 64 * 1024 ** 2;

/** node:readline is not used because it reads a thousand lines ahead, and each may be megabytes. */
async function* linesOf(file: string, onRead: (bytes: number) => void): AsyncGenerator<string> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  let pieces: string[] = [];
  let length = 0;
  try {
    for await (const chunk of input.setEncoding('utf8') as AsyncIterable<string>) {
      onRead(Buffer.byteLength(chunk));
      let start = 0;
      for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', start)) {
        yield pieces.join('') + chunk.slice(start, end);
        pieces = [];
        length = 0;
        start = end + 1;
      }
      pieces.push(chunk.slice(start));
      length += chunk.length - start;
      if (length > LONGEST_LINE) throw new Error(`a line is longer than ${LONGEST_LINE} characters`);
    }
  } catch (cause) {
    throw unreadable(file, cause);
  }
  if (length > 0) yield pieces.join('');
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

function unreadable(file: string, cause: unknown): OriginscopeError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new OriginscopeError('FILE_UNREADABLE', {
    file,
    why,
    cause,
    remedy: 'Check the path and its permissions; nothing was published.',
  });
}

function malformed(file: string, line: number, cause: unknown): OriginscopeError {
  return new OriginscopeError('LINE_MALFORMED', {
    name: file,
    line,
    problem: messageOf(cause),
    cause,
    remedy: 'Correct or remove the line, or give --skip-malformed. Frozen slots were not changed.',
  });
}

function inWords(summary: Summary): string {
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

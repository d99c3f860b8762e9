import { createReadStream, statSync } from 'node:fs';
import type { ClickHouse } from '../clickhouse/connection.ts';
import type { Retention } from '../clickhouse/retention.ts';
import { createWriter } from '../collector/ingest/writer.ts';
import { decodeTraces } from '../collector/otlp/decode.ts';
import type { DerivationRules } from '../collector/otlp/derived-span-of.ts';
import { beginImport, type Import, type ImportResult } from '../collector/publication/import.ts';
import { createPublisher } from '../collector/publication/publisher.ts';
import { hasCode, messageOf, OriginscopeError } from '../core/errors.ts';
import type { OnProgress } from '../server/control.ts';

export interface ImportRules {
  readonly derivation: DerivationRules;
  readonly retention: Retention;
}

export interface ImportFilesOptions extends ImportRules {
  readonly clickhouse: Pick<ClickHouse, 'writing' | 'publishing' | 'dialect'>;
  /** Paths, or "-" for standard input. */
  readonly files: readonly string[];
  readonly skipMalformed: boolean;
  /** Whether nobody reads the database meanwhile, so that replaced rows need not be kept for readers. */
  readonly isAlone: boolean;
  readonly onProgress: OnProgress;
  readonly signal?: AbortSignal | undefined;
}

/** An import accepts spans of any time; which are kept is decided by slot. */
const EVER = { earliest: 0, latest: Number.POSITIVE_INFINITY };

/** What was read, in addition to what the import did with it. */
export interface ImportSummary extends Omit<ImportResult, 'replaced' | 'conflicting'> {
  /** Frozen slots that hold other spans. */
  readonly refused: readonly number[];
  readonly spans: number;
  readonly passedOver: number;
  readonly rejected: number;
  readonly malformedLines: number;
}

/**
 * Imports files of the OpenTelemetry Collector's file exporter, as one import.
 *
 * @throws OriginscopeError `FILE_UNREADABLE`, `LINE_MALFORMED`; the signal's reason
 */
export async function importFiles(options: ImportFilesOptions): Promise<ImportSummary> {
  const { clickhouse, retention, isAlone } = options;
  const writer = createWriter({ client: clickhouse.writing, now: Date.now });
  try {
    const publisher = createPublisher({
      client: clickhouse.publishing,
      dialect: clickhouse.dialect,
      now: Date.now,
      retention,
      // Its hours are published at the end, regardless of their age.
      republishMillis: 0,
      ...(isAlone && { readerGraceMillis: 0 }),
    });
    const importing = await beginImport({
      client: clickhouse.publishing,
      writer,
      publisher,
      now: Date.now,
      retention,
    });
    const read = await readFiles(options, importing);
    const { replaced: _, conflicting, ...done } = await importing.finish();
    return { ...read, ...done, refused: conflicting.map(({ slot }) => slot) };
  } finally {
    await writer.close();
  }
}

/** @throws OriginscopeError `FILE_UNREADABLE`, `LINE_MALFORMED` */
async function readFiles(
  { files, derivation, skipMalformed, onProgress, signal }: ImportFilesOptions,
  importing: Import,
): Promise<Pick<ImportSummary, 'spans' | 'passedOver' | 'rejected' | 'malformedLines'>> {
  const total = files.includes('-') ? undefined : files.reduce((sum, file) => sum + sizeOf(file), 0);
  const counts = { spans: 0, passedOver: 0, rejected: 0, malformedLines: 0 };
  let bytes = 0;
  for (const file of files) {
    let number = 0;
    for await (const line of linesOf(file, (read) => {
      bytes += read;
    })) {
      number++;
      signal?.throwIfAborted();
      if (line.trim() === '') continue;
      try {
        const decoded = decodeTraces(Buffer.from(line), 'json', EVER, derivation, LONGEST_LINE);
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
      onProgress(
        total === undefined ? undefined : bytes / total,
        `${counts.spans.toLocaleString('en')} decision spans`,
      );
    }
  }
  onProgress(1, 'publishing…');
  return counts;
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

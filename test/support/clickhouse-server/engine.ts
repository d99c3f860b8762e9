import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import type { Session } from 'chdb';

/** An INSERT with its data, which may be of any format. */
export interface InsertData {
  /** `INSERT INTO t (…)`. */
  readonly into: string;
  /** `SETTINGS … FORMAT x`. */
  readonly tail: string;
  readonly data: Buffer;
}

/** A statement with everything that belongs to it alone. */
export interface Statement {
  /** As far as it is text. */
  readonly text: string;
  readonly insert: InsertData | undefined;
  readonly database: string;
  /** As the setting: 1 reads only, 2 may change settings as well. */
  readonly readonly: 0 | 1 | 2;
  readonly settings: ReadonlyMap<string, string>;
  readonly parameters: ReadonlyMap<string, string>;
  /** Where the statement itself names none. */
  readonly format: string;
}

export interface Outcome {
  readonly bytes: Uint8Array;
  readonly readRows: number;
  readonly readBytes: number;
  readonly writtenRows: number;
  readonly writtenBytes: number;
}

export interface Engine {
  readonly version: string;
  /** @throws Exception */
  run(statement: Statement): Promise<Outcome>;
  close(): void;
}

/** An error of the engine, or of this server, about a statement. */
export class Exception extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * A connection of its own for each statement (half a millisecond): nothing of a request can leak into the
 * next, and as many run at once as the pool has threads.
 *
 * @param clockOffsetMillis how far its clock is to be off, asked for each statement
 */
export async function openEngine(
  directory: string,
  clockOffsetMillis: () => number = () => 0,
): Promise<Engine> {
  const require = createRequire(import.meta.url);
  const chdb = require('chdb') as typeof import('chdb');
  const inserts = join(resolve(directory), 'stand-in-inserts');
  rmSync(inserts, { recursive: true, force: true });
  mkdirSync(inserts, { recursive: true });
  // The engine runs as long as one connection is open.
  const first = new chdb.Session(directory);
  const version = (await first.queryAsync('SELECT version()', { format: 'TabSeparatedRaw' })).text().trim();

  async function run(statement: Statement): Promise<Outcome> {
    const session = new chdb.Session(directory);
    try {
      await session.queryAsync(prologue(statement));
      const text = atOffset(statement.text, clockOffsetMillis());
      if (statement.insert !== undefined) return await insert(session, statement.insert);
      const result = await session.queryAsync(text, { format: statement.format });
      return { ...NOTHING, bytes: result.bytes(), readRows: result.rowsRead, readBytes: result.bytesRead };
    } catch (cause) {
      throw asException(cause);
    } finally {
      session.close();
    }
  }

  /**
   * Via a file: data after the statement itself would silently end at the first empty line (as in the
   * engine's own call for raw data).
   */
  async function insert(session: Session, { into, tail, data }: InsertData): Promise<Outcome> {
    // An error for the engine; the server does nothing.
    if (data.length === 0) return NOTHING;
    const file = join(inserts, randomUUID());
    try {
      await writeFile(file, data);
      const { rowsRead } = await session.queryAsync(`${into} FROM INFILE ${quoted(file, "'")} ${tail}`);
      return {
        ...NOTHING,
        readRows: rowsRead,
        readBytes: data.length,
        writtenRows: rowsRead,
        writtenBytes: data.length,
      };
    } finally {
      await rm(file, { force: true });
    }
  }

  return { version, run, close: () => first.close() };
}

const NOTHING: Outcome = {
  bytes: new Uint8Array(),
  readRows: 0,
  readBytes: 0,
  writtenRows: 0,
  writtenBytes: 0,
};

function prologue({ database, readonly, settings, parameters }: Statement): string {
  const statements = [
    // A server uses all its cores; the embedded engine would use one for most statements.
    `SET max_threads = ${availableParallelism()}`,
    `USE ${quoted(database, '`')}`,
    ...[...settings].map(([name, value]) => `SET ${identifier(name)} = ${quoted(value, "'")}`),
    ...[...parameters].map(([name, value]) => `SET param_${identifier(name)} = ${quoted(value, "'")}`),
  ];
  // First for those who may not change settings; the engine itself refuses then.
  if (readonly === 1) statements.splice(2, 0, 'SET readonly = 1');
  if (readonly === 2) statements.splice(2, 0, 'SET readonly = 2');
  return statements.join(';\n');
}

/**
 * The engine uses the machine's clock, which cannot be replaced, so its time functions are rewritten with
 * an offset.
 */
function atOffset(text: string, millis: number): string {
  if (millis === 0) return text;
  return text.replace(
    /\bnow(?:64)?\([^()]*\)/gi,
    (call) =>
      `(${call} + toInterval${call.includes('64') ? `Millisecond(${millis})` : `Second(${Math.round(millis / 1_000)})`})`,
  );
}

function identifier(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new Exception(115, `Unknown setting '${name}'. (UNKNOWN_SETTING)`);
  }
  return name;
}

function quoted(text: string, quote: string): string {
  return quote + text.replace(/[\\'`]/g, '\\$&') + quote;
}

function asException(cause: unknown): Exception {
  if (cause instanceof Exception) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  const found = /^Code: (\d+)\. DB::Exception: (.*)$/s.exec(text);
  return found === null
    ? new Exception(1002, `${text} (UNKNOWN_EXCEPTION)`)
    : new Exception(Number(found[1]), found[2] ?? '');
}

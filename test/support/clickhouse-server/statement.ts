import { Exception, type Statement } from './engine.ts';

/** Parameters of the HTTP interface that are not settings of the engine. */
const OF_HTTP: ReadonlySet<string> = new Set([
  'query',
  'database',
  'default_format',
  'query_id',
  'user',
  'password',
  'quota_key',
  'stacktrace',
  'compress',
  'decompress',
  'buffer_size',
  'wait_end_of_query',
  'client_protocol_version',
  'role',
]);

/** An INSERT whose data follow: what is before them is text, they are bytes. */
const INSERT =
  /^(?<into>\s*INSERT\s+INTO\s[^;]*?)\s(?<tail>(?:SETTINGS\s[^;]*?\s)?FORMAT\s+(?!VALUES\b)\w+)[ \t]*(?:\r?\n|$)/i;
/** A statement before its data is shorter than this. */
const LONGEST_PREFIX = 1024 ** 2;

/** Puts a statement together from the URL's parameters and the body, which goes on where `query` ends. */
export function parseStatement(
  fields: ReadonlyMap<string, string>,
  body: Buffer,
  user: Pick<Statement, 'readonly'>,
): Statement {
  if (fields.has('session_id')) {
    throw new Exception(48, 'The stand-in has no sessions. (NOT_IMPLEMENTED)');
  }
  const query = fields.get('query') ?? '';
  const whole = query === '' ? body : body.length === 0 ? Buffer.from(query) : join(query, body);
  if (whole.length === 0) throw new Exception(62, 'Syntax error: empty query. (SYNTAX_ERROR)');
  const settings = new Map<string, string>();
  const parameters = new Map<string, string>();
  for (const [name, value] of fields) {
    if (name.startsWith('param_')) parameters.set(name.slice('param_'.length), value);
    else if (!OF_HTTP.has(name)) settings.set(name, value);
  }
  return {
    ...split(whole),
    database: fields.get('database') ?? 'default',
    settings,
    parameters,
    format: fields.get('default_format') ?? 'TabSeparated',
    ...user,
  };
}

function join(query: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${query}\n`), body]);
}

function split(whole: Buffer): Pick<Statement, 'text' | 'insert'> {
  // A byte is a character here, so that lengths agree whatever the data are.
  const found = INSERT.exec(whole.toString('latin1', 0, LONGEST_PREFIX));
  if (found === null) return { text: whole.toString(), insert: undefined };
  const text = (part = '') => Buffer.from(part, 'latin1').toString();
  return {
    text: text(found[0]),
    insert: {
      into: text(found.groups?.into),
      tail: text(found.groups?.tail),
      data: whole.subarray(found[0].length),
    },
  };
}

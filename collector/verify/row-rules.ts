import { OBSERVERS, SOURCES } from '../../clickhouse/decision-span.ts';
import { TEXT_LIMIT, UNSAFE } from '../../core/text.ts';
import {
  ALLOW_ORIGINS,
  CORS_KINDS,
  CREDENTIALS,
  REASONS,
  SITES,
  VERDICTS,
} from '../../instrumentation/src/fetch-standard/decision.ts';
import { LIMITS } from '../otlp/decision-span-of.ts';

/** Describes a row that our encoders cannot have written. */
export interface RowRule {
  /** The columns it uses. */
  readonly columns: readonly string[];
  /** SQL condition that is true for such a row. */
  readonly isBroken: string;
  /** Continues the sentence "Rows of usage_minutes ". */
  readonly text: string;
}

/** Columns with text chosen by senders, and their maximum length in UTF-16 code units after decoding. */
const TEXTS: Readonly<Record<string, number>> = {
  service: LIMITS.service,
  instance: LIMITS.instance,
  environment: LIMITS.environment,
  version: LIMITS.version,
  api_host: LIMITS.host,
  route: LIMITS.route,
  detail: LIMITS.detail,
  origin: LIMITS.origin,
  method: LIMITS.method,
  requested_headers: TEXT_LIMIT,
  path: LIMITS.path,
};

const VALUES: Readonly<Record<string, readonly string[]>> = {
  kind: CORS_KINDS,
  verdict: VERDICTS,
  reason: ['', ...REASONS],
  credentials: CREDENTIALS,
  allow_origin: ALLOW_ORIGINS,
  site: SITES,
  observer: OBSERVERS,
  source: SOURCES,
};

/** Parameters of the rules. */
export const RULE_PARAMETERS: Readonly<Record<string, unknown>> = {
  // In the syntax of the engine's regular expressions.
  unsafe: UNSAFE.source,
  safe: Number.MAX_SAFE_INTEGER,
  ...Object.fromEntries(Object.entries(VALUES).map(([column, values]) => [`${column}_values`, values])),
};

/** @param derivation the version of the newest rule set */
export function rowRules(derivation: number): RowRule[] {
  return [
    ...Object.entries(TEXTS).flatMap(([column, limit]) => textRules(column, limit)),
    ...Object.keys(VALUES).map((column) => ({
      columns: [column],
      isBroken: `${column} NOT IN {${column}_values:Array(String)}`,
      text: `have an unknown value of ${column}`,
    })),
    ...['minute', 'slot', 'hour'].flatMap(timeRules),
    ...RULES,
    {
      columns: ['derivation'],
      isBroken: `derivation = 0 OR derivation > ${derivation}`,
      text: `have a derivation that this version of Originscope does not know (it knows 1 to ${derivation})`,
    },
  ];
}

function textRules(column: string, limit: number): RowRule[] {
  const columns = [column];
  return [
    {
      columns,
      isBroken: `NOT isValidUTF8(${column})`,
      text: `have a value of ${column} that is not valid UTF-8`,
    },
    {
      columns,
      isBroken: `isValidUTF8(${column}) AND match(${column}, {unsafe:String})`,
      text: `have control characters in ${column}, which decoding removes`,
    },
    // Characters, which are at most as many as code units.
    {
      columns,
      isBroken: `isValidUTF8(${column}) AND lengthUTF8(${column}) > ${limit}`,
      text: `have a value of ${column} longer than ${limit} characters, to which decoding truncates it`,
    },
  ];
}

const STARTS: Readonly<Record<string, string>> = {
  minute: 'toStartOfMinute',
  slot: 'toStartOfTenMinutes',
  hour: 'toStartOfHour',
};

function timeRules(column: string): RowRule[] {
  return [
    {
      columns: [column],
      isBroken: `${column} != ${STARTS[column]}(${column})`,
      text: `have a ${column} that is not aligned`,
    },
    {
      columns: [column],
      isBroken: `${column} < toDateTime('2020-01-01 00:00:00', 'UTC')`,
      text: `have a ${column} before 2020`,
    },
    {
      columns: [column],
      isBroken: `${column} > toDateTime({latest:UInt32}, 'UTC')`,
      text: `have a ${column} more than a day ahead of the clock`,
    },
  ];
}

const RULES: readonly RowRule[] = [
  {
    columns: ['verdict', 'reason'],
    isBroken: `(verdict = 'allowed') != (reason = '')`,
    text: 'have a reason although allowed, or none although not allowed',
  },
  {
    columns: ['slot', 'minute'],
    isBroken: 'slot != toStartOfTenMinutes(minute)',
    text: 'have a minute outside their slot',
  },
  {
    // A row that replaced a blocked one has none.
    columns: ['time', 'minute', 'verdict'],
    isBroken: `verdict = 'blocked' AND toDateTime(toStartOfMinute(time), 'UTC') != minute`,
    text: 'have a time outside their minute',
  },
  {
    columns: ['hour', 'first_seen', 'last_seen'],
    isBroken:
      'toStartOfHour(first_seen) != hour OR toStartOfHour(last_seen) != hour OR last_seen < first_seen',
    text: 'have a first_seen or last_seen outside their hour, or in the wrong order',
  },
  { columns: ['span', 'derivation'], isBroken: 'span = 0', text: 'have no span id' },
  {
    columns: ['derivation', 'decisions', 'total'],
    isBroken: 'decisions > {safe:UInt64} OR total > {safe:UInt64}',
    text: 'have a count beyond 2^53',
  },
  {
    columns: ['status_code'],
    isBroken: 'status_code != 0 AND (status_code < 100 OR status_code > 999)',
    text: 'have a status_code that is not a valid HTTP status',
  },
  { columns: ['max_age'], isBroken: 'max_age < -1', text: 'have a negative max_age' },
  {
    columns: ['link_trace_id', 'link_span_id'],
    isBroken: `NOT match(link_trace_id, '^([0-9a-f]{32})?$') OR NOT match(link_span_id, '^([0-9a-f]{16})?$')`,
    text: 'have a link that is not a valid trace and span id',
  },
];

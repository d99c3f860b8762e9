/** What Grafana and its ClickHouse plugin make of a query before ClickHouse gets it. */
export interface QueryContext {
  /** Epoch milliseconds. */
  readonly from: number;
  readonly to: number;
  readonly intervalMillis: number;
  /** Selected values of template variables. */
  readonly variables?: Readonly<Record<string, readonly string[]>>;
}

/**
 * The query as ClickHouse gets it: template variables first, which the browser replaces, then the macros of the
 * plugin's backend, the innermost first.
 *
 * @throws Error when a macro or a template variable is left over
 */
export function expandQuery(sql: string, context: QueryContext): string {
  let text = replaceVariables(sql, context.variables ?? {});
  for (;;) {
    const at = text.lastIndexOf('$__');
    if (at < 0) return text;
    const name = /^\$__(\w+)/.exec(text.slice(at))?.[1] ?? '';
    const macro = MACROS[name];
    if (macro === undefined) throw new Error(`$__${name} is not a macro of the plugin's backend`);
    const after = at + 3 + name.length;
    const call = text[after] === '(' ? argumentsAt(text, after) : { values: [], end: after };
    text = text.slice(0, at) + macro(context, call.values) + text.slice(call.end);
  }
}

/** `${name:csv}`, `${name}` and `$name`, as the plugin formats them: without a format, several values are quoted. */
function replaceVariables(sql: string, variables: Readonly<Record<string, readonly string[]>>): string {
  return sql.replaceAll(/\$\{(\w+)(?::(\w+))?\}|\$(?!__)(\w+)/g, (found, braced, format, bare) => {
    const values = variables[braced ?? bare];
    if (values === undefined) throw new Error(`${found} is not a variable`);
    if (format === 'csv') return values.join(',');
    if (format !== undefined) throw new Error(`The format of ${found} is not known here`);
    return values.length === 1 ? (values[0] ?? '') : `'${values.join(`','`)}'`;
  });
}

function argumentsAt(text: string, open: number): { readonly values: string[]; readonly end: number } {
  const values: string[] = [];
  let depth = 0;
  let start = open + 1;
  for (let index = open; index < text.length; index++) {
    const character = text[index];
    if (character === '(') depth++;
    if (character === ')') depth--;
    if (depth === 0 || (depth === 1 && character === ',')) {
      values.push(text.slice(start, index).trim());
      start = index + 1;
    }
    if (depth === 0) return { values, end: index + 1 };
  }
  throw new Error('The arguments of a macro do not end');
}

type Macro = (context: QueryContext, values: readonly string[]) => string;

const seconds = (millis: number): string => `toDateTime(${Math.floor(millis / 1000)})`;
const millis = (time: number): string => `fromUnixTimestamp64Milli(${time})`;
const date = (time: number): string => `toDate('${new Date(time).toISOString().slice(0, 10)}')`;
const between = (column: string | undefined, { from, to }: QueryContext, write: (time: number) => string) =>
  `${column} >= ${write(from)} AND ${column} <= ${write(to)}`;
const intervalSeconds = ({ intervalMillis }: QueryContext): number =>
  Math.max(1, Math.floor(intervalMillis / 1000));

const dateTimeFilter: Macro = (context, [day, time]) =>
  `(${between(day, context, date)}) AND (${between(time, context, seconds)})`;

const MACROS: Readonly<Record<string, Macro>> = {
  timeFilter: (context, [column]) => between(column, context, seconds),
  timeFilter_ms: (context, [column]) => between(column, context, millis),
  dateFilter: (context, [column]) => between(column, context, date),
  dateTimeFilter,
  dt: dateTimeFilter,
  fromTime: ({ from }) => seconds(from),
  toTime: ({ to }) => seconds(to),
  fromTime_ms: ({ from }) => millis(from),
  toTime_ms: ({ to }) => millis(to),
  timeFrom: ({ from }, [column]) => `${column} >= ${seconds(from)}`,
  timeTo: ({ to }, [column]) => `${column} <= ${seconds(to)}`,
  timeInterval: (context, [column]) =>
    `toStartOfInterval(toDateTime(${column}), INTERVAL ${intervalSeconds(context)} second)`,
  timeInterval_ms: ({ intervalMillis }, [column]) =>
    `toStartOfInterval(toDateTime64(${column}, 3), INTERVAL ${intervalMillis} millisecond)`,
  interval_s: (context) => String(intervalSeconds(context)),
};

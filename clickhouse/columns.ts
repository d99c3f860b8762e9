import type { Dialect } from './dialect.ts';

/** A column: name and ClickHouse type. */
export type Column = readonly [name: string, type: string];

const LABEL = 'LowCardinality(String)';

/**
 * The dimensions of usage, in the order of the views. All readers of `origin_usage` take the names from
 * here.
 */
export const DIMENSIONS = [
  ['service', LABEL],
  ['environment', LABEL],
  ['version', LABEL],
  ['api_host', LABEL],
  ['route', LABEL],
  ['kind', LABEL],
  ['verdict', LABEL],
  ['reason', LABEL],
  ['detail', 'String CODEC(ZSTD(1))'],
  ['origin', 'String CODEC(ZSTD(1))'],
  ['method', LABEL],
  ['requested_headers', 'String CODEC(ZSTD(1))'],
  ['credentials', LABEL],
  ['allow_origin', LABEL],
  ['allow_credentials', 'Bool'],
  ['vary_origin', 'Bool'],
  ['site', LABEL],
  ['browser', 'Bool'],
  ['status_code', 'UInt16'],
  ['observer', LABEL],
  ['source', LABEL],
  ['max_age', 'Int32'],
] as const satisfies readonly Column[];

export type Dimension = (typeof DIMENSIONS)[number][0];

export const DIMENSION_NAMES: readonly Dimension[] = DIMENSIONS.map(([name]) => name);

/**
 * The dimensions of usage and whether a span is the outermost observer of its requests. Where both a
 * gateway and a service saw requests, only the gateway's rows are `outermost`, so that totals over several
 * services count no request twice.
 */
export const USAGE_DIMENSIONS: readonly Column[] = [...DIMENSIONS, ['outermost', 'Bool']];

export const USAGE_NAMES: readonly string[] = USAGE_DIMENSIONS.map(([name]) => name);

/**
 * SQL for whether a span is the outermost observer. Spans of a service represent many requests, so they
 * cannot be paired with a gateway's one by one: if a gateway saw a host in a slot, it is assumed to have
 * seen all requests for that host.
 *
 * @param gatewaySpans FROM and WHERE clauses for the spans of the same slots
 */
export const outermost = (dialect: Dialect, gatewaySpans: string): string =>
  `(observer = 'gateway' OR (toStartOfTenMinutes(minute), api_host) ${dialect.global}NOT IN (
     SELECT toStartOfTenMinutes(minute), api_host FROM ${gatewaySpans}
       AND observer = 'gateway' AND api_host != '' AND decisions > 0)) AS outermost`;

/**
 * Dimensions whose values clients choose, and the cap for each service per slot or hour: the values with
 * the most decisions are kept, the rest is counted as `(other)`.
 */
export const CAPS: readonly (readonly [dimension: Dimension, top: number])[] = [
  ['origin', 500],
  ['route', 500],
  ['api_host', 200],
  ['requested_headers', 200],
  ['detail', 200],
  ['method', 50],
];

/** What usage by the hour is kept summed by, beside its single rows: dimensions of few values. */
export const SUM_DIMENSIONS = [
  'service',
  'environment',
  'version',
  'kind',
  'verdict',
  'reason',
  'browser',
  'source',
  'max_age',
  'outermost',
] as const satisfies readonly (Dimension | 'outermost')[];

/** Dimensions that the sums keep of blocked decisions only. */
export const BLOCKED_DIMENSIONS = [
  'origin',
  'route',
  'detail',
  'method',
  'requested_headers',
  'credentials',
  'allow_origin',
  'status_code',
] as const satisfies readonly Dimension[];

/** SQL for the value in the sums. ClickHouse uses them for this expression only, to the letter. */
export const whereBlocked = (dimension: (typeof BLOCKED_DIMENSIONS)[number]): string =>
  `if(verdict = 'blocked', ${dimension}, ${dimension === 'status_code' ? '0' : `''`})`;

/** `decision_spans`: one row per span. */
export const SPAN_COLUMNS: readonly Column[] = [
  ['minute', "DateTime('UTC') CODEC(Delta(4), ZSTD(1))"],
  ['span', 'UInt64 CODEC(NONE)'],
  ['derivation', 'UInt16'],
  ['instance', LABEL],
  ...DIMENSIONS,
  ['decisions', 'UInt64 CODEC(T64, ZSTD(1))'],
  ['total', 'UInt64 CODEC(ZSTD(1))'],
  ['clients', 'UInt64 CODEC(ZSTD(1))'],
];

/** Additional columns of a blocked request: exact time, path and trace. */
export const REQUEST_COLUMNS: readonly Column[] = [
  ['time', "DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1))"],
  ['path', 'String CODEC(ZSTD(1))'],
  ['link_trace_id', 'String CODEC(ZSTD(1))'],
  ['link_span_id', 'String CODEC(ZSTD(1))'],
];

/** Columns for CREATE TABLE. */
export function definitions(columns: readonly Column[]): string {
  return columns.map(([name, type]) => `${name} ${type}`).join(', ');
}

/** Columns for SELECT. */
export function names(columns: readonly Column[]): string {
  return columns.map(([name]) => name).join(', ');
}

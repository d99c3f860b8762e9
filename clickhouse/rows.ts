import { type Column, REQUEST_COLUMNS, SPAN_COLUMNS } from './columns.ts';
import type { DecisionSpan } from './decision-span.ts';
import { type CellOf, type NativeColumn, nativeBlock } from './native.ts';

/** Encoded rows for a table. */
export interface Insert {
  readonly table: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** In the format `Native`. */
  readonly block: Buffer;
}

/** The target for INSERT INTO. */
export function targetOf({ table, columns }: Insert): string {
  return `${table} (${columns.map(({ name }) => name).join(', ')})`;
}

type Cell = CellOf<DecisionSpan>;

/** The source of each column. */
const CELLS: Readonly<Record<string, Cell>> = {
  minute: { whole: (span) => Math.floor(span.time / 60_000) * 60 },
  span: { identity: (span) => span.spanId },
  derivation: { whole: (span) => span.derivation },
  instance: { text: (span) => span.instance },
  service: { text: (span) => span.service },
  environment: { text: (span) => span.environment },
  version: { text: (span) => span.version },
  api_host: { text: (span) => span.apiHost },
  route: { text: (span) => span.route },
  kind: { text: (span) => span.kind },
  verdict: { text: (span) => span.verdict },
  reason: { text: (span) => span.reason },
  detail: { text: (span) => span.detail },
  origin: { text: (span) => span.origin },
  method: { text: (span) => span.method },
  requested_headers: { text: (span) => span.requestHeaders },
  credentials: { text: (span) => span.credentials },
  allow_origin: { text: (span) => span.allowOrigin },
  allow_credentials: { flag: (span) => span.allowCredentials },
  vary_origin: { flag: (span) => span.varyOrigin },
  site: { text: (span) => span.site },
  browser: { flag: (span) => span.browser },
  status_code: { whole: (span) => span.statusCode },
  observer: { text: (span) => span.observer },
  source: { text: (span) => span.source },
  max_age: { whole: (span) => span.maxAge },
  decisions: { whole: (span) => span.decisions },
  total: { whole: (span) => span.total },
  clients: { identity: (span) => span.clients },
  // In the column's ticks, milliseconds.
  time: { whole: (span) => span.time },
  path: { text: (span) => span.path },
  link_trace_id: { text: (span) => span.linkTraceId },
  link_span_id: { text: (span) => span.linkSpanId },
};

const OF_SPAN = SPAN_COLUMNS.map(nativeColumn);
const OF_REQUEST = [...OF_SPAN, ...REQUEST_COLUMNS.map(nativeColumn)];

export function insertSpans(spans: readonly DecisionSpan[]): Insert {
  return insertInto('decision_spans', OF_SPAN, spans);
}

export function insertBlocked(spans: readonly DecisionSpan[]): Insert {
  return insertInto('blocked_spans', OF_REQUEST, spans);
}

/** @param importNumber decimal text */
export function insertStaged(importNumber: string, spans: readonly DecisionSpan[]): Insert {
  const number = BigInt(importNumber).toString(16).padStart(16, '0');
  const ofImport = { name: 'import', type: 'UInt64', cell: { identity: () => number } };
  return insertInto('staged_spans', [ofImport, ...OF_REQUEST], spans);
}

function insertInto(
  table: string,
  columns: readonly NativeColumn<DecisionSpan>[],
  spans: readonly DecisionSpan[],
): Insert {
  return { table, columns, block: nativeBlock(columns, spans) };
}

function nativeColumn([name, definition]: Column): NativeColumn<DecisionSpan> {
  const cell = CELLS[name];
  if (cell === undefined) throw new Error(`No cell for column ${name}`);
  return { name, type: definition.replace(/ CODEC\(.*/, ''), cell };
}

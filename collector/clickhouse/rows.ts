import type { DecisionSpan } from '../decision-span.ts';
import { REQUEST_COLUMNS, SPAN_COLUMNS } from './columns.ts';

type Cell = string | number | boolean;

/** Where each column comes from. Identities of 64 bits travel as decimal text: a JSON number would round. */
const CELLS: Readonly<Record<string, (span: DecisionSpan) => Cell>> = {
  minute: (span) => Math.floor(span.time / 60_000) * 60,
  span: (span) => decimal(span.spanId),
  derivation: (span) => span.derivation,
  instance: (span) => span.instance,
  service: (span) => span.service,
  environment: (span) => span.environment,
  version: (span) => span.version,
  api_host: (span) => span.apiHost,
  route: (span) => span.route,
  kind: (span) => span.kind,
  verdict: (span) => span.verdict,
  reason: (span) => span.reason,
  detail: (span) => span.detail,
  origin: (span) => span.origin,
  method: (span) => span.method,
  requested_headers: (span) => span.requestHeaders,
  credentials: (span) => span.credentials,
  allow_origin: (span) => span.allowOrigin,
  allow_credentials: (span) => span.allowCredentials,
  vary_origin: (span) => span.varyOrigin,
  site: (span) => span.site,
  browser: (span) => span.browser,
  status_code: (span) => span.statusCode,
  observer: (span) => span.observer,
  source: (span) => span.source,
  max_age: (span) => span.maxAge,
  decisions: (span) => span.decisions,
  total: (span) => span.total,
  clients: (span) => decimal(span.clients),
  // Epoch seconds with fraction: an integer would be read as ticks only by some formats.
  time: (span) => (span.time / 1000).toFixed(3),
  path: (span) => span.path,
  link_trace_id: (span) => span.linkTraceId,
  link_span_id: (span) => span.linkSpanId,
};

const SPAN_NAMES = SPAN_COLUMNS.map(([name]) => name);
const REQUEST_NAMES = [...SPAN_NAMES, ...REQUEST_COLUMNS.map(([name]) => name)];

/** `INSERT INTO decision_spans` with the spans inline. */
export function insertSpans(spans: readonly DecisionSpan[]): string {
  return statement('decision_spans', SPAN_NAMES, spans);
}

/** `INSERT INTO blocked_spans` with the spans inline. */
export function insertBlocked(spans: readonly DecisionSpan[]): string {
  return statement('blocked_spans', REQUEST_NAMES, spans);
}

/** `INSERT INTO staged_spans` with the spans inline, under the number of an import. */
export function insertStaged(importNumber: string, spans: readonly DecisionSpan[]): string {
  return statement('staged_spans', REQUEST_NAMES, spans, ['import', importNumber]);
}

/**
 * Column by column, the fastest text that the engine reads (measured against TabSeparated and
 * JSONCompactEachRow); the embedded engine takes no binary formats. The text is JSON: nothing in it can end
 * the statement.
 */
function statement(
  table: string,
  names: readonly string[],
  spans: readonly DecisionSpan[],
  constant?: readonly [name: string, value: string],
): string {
  const columns = names.map((name) => spans.map(cell(name)));
  if (constant !== undefined) columns.push(spans.map(() => constant[1]));
  const into = constant === undefined ? names : [...names, constant[0]];
  return `INSERT INTO ${table} (${into.join(', ')}) FORMAT JSONCompactColumns\n${JSON.stringify(columns)}`;
}

function cell(name: string): (span: DecisionSpan) => Cell {
  const get = CELLS[name];
  if (get === undefined) throw new Error(`No cell for column ${name}`);
  return get;
}

function decimal(hexadecimal: string): string {
  return BigInt(`0x${hexadecimal}`).toString();
}

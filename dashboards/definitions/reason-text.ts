import { literal } from '../../clickhouse/sql-text.ts';
import { type BlockedCall, REASON_TEXTS } from '../../explain/reasons/remedies.ts';
import { OTHER } from '../../instrumentation/src/attributes.ts';
import { BLOCKED_REASONS, REASONS } from '../../instrumentation/src/fetch-standard/decision.ts';

const list = (texts: readonly string[]): string => `[${texts.map(literal).join(', ')}]`;

/** The reason in a few words, as everywhere else. */
export function reasonTitle(column: string): string {
  const titles = REASONS.map((reason) => REASON_TEXTS[reason].title);
  return `transform(${column}, ${list(REASONS)}, ${list(titles)}, toString(${column}))`;
}

/** Stand for what a request brings; the statuses are numbers that no server answers. */
const MARKS = {
  origin: '⟦origin⟧',
  detail: '⟦DETAIL⟧',
  lowerDetail: '⟦token⟧',
  method: '⟦METHOD⟧',
  headers: '⟦headers⟧',
  success: '298',
  error: '498',
};

const PLAIN_CALL: Omit<BlockedCall, 'reason'> = {
  origin: MARKS.origin,
  kind: 'actual',
  detail: MARKS.detail,
  method: MARKS.method,
  requestedHeaders: [MARKS.headers],
  statusCode: Number(MARKS.success),
};

interface Variant {
  readonly when: string;
  readonly call: Partial<BlockedCall>;
}

const withDetail = (detail: string): Variant => ({ when: `detail = ${literal(detail)}`, call: { detail } });

/** What the remedies depend on beside the reason; of several that apply the first one is taken. */
const VARIANTS: readonly Variant[] = [
  { when: `startsWith(origin, '(invalid)')`, call: { origin: `(invalid)${MARKS.origin}` } },
  { when: `origin = 'null'`, call: { origin: 'null' } },
  ...[OTHER, '(same origin)', '(invalid)', '', '404', '405', 'traceparent', 'tracestate', 'baggage'].map(
    withDetail,
  ),
  { when: 'detail != upper(detail)', call: { detail: MARKS.lowerDetail } },
  { when: `detail = concat(origin, '/')`, call: { detail: `${MARKS.origin}/` } },
  { when: `requested_headers = ''`, call: { requestedHeaders: [] } },
  ...[0, 401, 403, 404, 405].map((statusCode) => ({
    when: `kind = 'preflight' AND status_code = ${statusCode}`,
    call: { kind: 'preflight', statusCode } as const,
  })),
  { when: `kind = 'preflight'`, call: { kind: 'preflight' } },
  { when: 'status_code >= 400', call: { statusCode: Number(MARKS.error) } },
];

/**
 * What to change, over the columns of `blocked_requests`: the remedies of explain/reasons with marks in place of
 * what a request brings, which the statement fills in.
 */
export function remedyText(): string {
  const conditions = BLOCKED_REASONS.flatMap((reason) => {
    const remedy = (call: Partial<BlockedCall>): string =>
      REASON_TEXTS[reason].remedy({ ...PLAIN_CALL, ...call, reason });
    return VARIANTS.filter(({ call }) => remedy(call) !== filledIn(remedy({}), call)).map(
      ({ when, call }) => `reason = ${literal(reason)} AND ${when}, ${literal(remedy(call))}`,
    );
  });
  const plain = BLOCKED_REASONS.map((reason) => REASON_TEXTS[reason].remedy({ ...PLAIN_CALL, reason }));
  const chosen = `multiIf(${conditions.join(',\n      ')},
      transform(reason, ${list(BLOCKED_REASONS)}, ${list(plain)}, ''))`;
  // The status first, while nothing in the text is a stranger's.
  return [
    [MARKS.success, 'toString(status_code)'],
    [MARKS.error, 'toString(status_code)'],
    [MARKS.headers, `replaceAll(requested_headers, ',', ', ')`],
    [MARKS.method, 'toString(method)'],
    [MARKS.lowerDetail, 'detail'],
    [MARKS.lowerDetail.toUpperCase(), 'upper(detail)'],
    [MARKS.detail, 'detail'],
    [MARKS.origin, 'origin'],
  ].reduce((text, [mark = '', value = '']) => `replaceAll(${text}, ${literal(mark)}, ${value})`, chosen);
}

/** The plain text as it would be for the call, were the marks its values. */
function filledIn(plain: string, call: Partial<BlockedCall>): string {
  const { origin, detail, requestedHeaders, statusCode } = call;
  let text = plain;
  if (origin !== undefined) text = text.replaceAll(MARKS.origin, origin);
  if (detail !== undefined) text = text.replaceAll(MARKS.detail, detail);
  if (requestedHeaders !== undefined) text = text.replaceAll(MARKS.headers, requestedHeaders.join(', '));
  if (statusCode !== undefined) text = text.replaceAll(MARKS.success, String(statusCode));
  return text;
}

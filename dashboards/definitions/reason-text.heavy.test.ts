import { expect, test } from 'vitest';
import { type BlockedCall, REASON_TEXTS } from '../../explain/reasons/remedies.ts';
import { BLOCKED_REASONS } from '../../instrumentation/src/fetch-standard/decision.ts';
import { openTestClickHouse, rows } from '../../test/support/clickhouse.ts';
import { reasonTitle, remedyText } from './reason-text.ts';

const CALL: Omit<BlockedCall, 'reason'> = {
  origin: 'https://298.example',
  kind: 'actual',
  detail: 'X-Token',
  method: 'PUT',
  requestedHeaders: ['authorization', 'x-token'],
  statusCode: 200,
};

/** What remedies depend on; one thing at a time differs. */
const CALLS: readonly Partial<BlockedCall>[] = [
  {},
  { kind: 'preflight', statusCode: 204 },
  ...[0, 401, 403, 404, 405, 500].map((statusCode) => ({ kind: 'preflight', statusCode }) as const),
  { statusCode: 503 },
  { origin: 'null' },
  { origin: '(invalid)http:' },
  { detail: `${CALL.origin}/` },
  ...['', '(other)', '(same origin)', '(invalid)', 'traceparent', 'x-token', '405', `"' \\ ⟦origin⟧`].map(
    (detail) => ({ detail }),
  ),
  { requestedHeaders: [] },
  { origin: `https://x'\\ OR 1=1 -- ⟦DETAIL⟧` },
];

test('a statement says the same remedies and titles as the report', async () => {
  const clickHouse = await openTestClickHouse();
  for (const reason of BLOCKED_REASONS) {
    for (const given of CALLS) {
      const call = { ...CALL, ...given, reason };
      const [found] = await rows(
        clickHouse,
        `SELECT ${reasonTitle('reason')} AS title, ${remedyText()} AS remedy
         FROM (SELECT {reason:String} AS reason, {origin:String} AS origin, {kind:String} AS kind, {detail:String} AS detail,
           {method:String} AS method, {headers:String} AS requested_headers, {status:UInt16} AS status_code)`,
        { ...call, headers: call.requestedHeaders.join(','), status: call.statusCode },
      );
      const { title, remedy } = REASON_TEXTS[reason];
      expect(found, JSON.stringify(call)).toEqual({
        title,
        remedy: withoutMarks(remedy(call), found?.remedy),
      });
    }
  }
});

/** Marks in what a stranger sent may be filled in as well: that is text like any other, and harms nothing. */
function withoutMarks(expected: string, found: unknown): unknown {
  return expected.includes('⟦') ? found : expected;
}

import { expect, test } from 'vitest';
import type { ClickHouse } from '../../clickhouse/connection.ts';
import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import { rows } from '../../test/support/clickhouse.ts';
import { blocked, decisionSpan, decisionSpans } from '../../test/support/decision-spans.ts';
import { inEachPlace } from '../../test/support/in-each-place.ts';
import { createWriter, type WriterOptions } from './writer.ts';

const NOW = Math.floor(Date.now() / 3_600_000) * 3_600_000;

function writerOf(clickHouse: ClickHouse, options: Partial<WriterOptions> = {}) {
  return createWriter({ client: clickHouse.writing, now: () => NOW, lingerMillis: 1, ...options });
}

inEachPlace('in $place', (open) => {
  test('requests that arrive together share an insert, and each is answered when its rows can be read', async () => {
    const clickHouse = await open();
    const writer = writerOf(clickHouse, { lingerMillis: 20 });
    const requests = Array.from({ length: 10 }, (_, request) =>
      decisionSpans(5, (index) => ({
        time: NOW,
        spanId: (request * 5 + index + 1).toString(16).padStart(16, '0'),
      })),
    );
    await Promise.all(
      requests.map(async (spans) => {
        await writer.write(spans);
        const found = await rows(
          clickHouse,
          `SELECT count() AS count FROM decision_spans WHERE lpad(lower(hex(span)), 16, '0') IN {ids:Array(String)}`,
          { ids: spans.map((span) => span.spanId) },
        );
        expect(found).toEqual([{ count: 5 }]);
      }),
    );
    expect(writer.counters).toMatchObject({ written: 50, inserts: 1 });
  });

  test('untrusted text is read back unchanged, and the largest identity is not rounded', async () => {
    const clickHouse = await open();
    const origin = 'https://a"\'\\\n\t\u0000\u001b[31m; DROP TABLE decision_spans; --\u{1f600}\u2028\\N';
    await writerOf(clickHouse).write([
      decisionSpan({
        time: NOW + 1_234,
        spanId: 'ffffffffffffffc5',
        clients: 'ffffffffffffffff',
        origin,
        ...blocked,
      }),
    ]);
    expect(
      await rows(
        clickHouse,
        `SELECT toString(toUnixTimestamp64Milli(time)) AS time, origin, span_id, path, link_trace_id FROM blocked_requests`,
      ),
    ).toEqual([
      {
        time: String(NOW + 1_234),
        origin,
        span_id: 'ffffffffffffffc5',
        path: blocked.path,
        link_trace_id: blocked.linkTraceId,
      },
    ]);
    expect(
      await rows(
        clickHouse,
        'SELECT toString(span) AS span, toString(clients) AS clients FROM decision_spans',
      ),
    ).toEqual([{ span: '18446744073709551557', clients: '18446744073709551615' }]);
  });

  test('a row that the engine rejects fails only its own request', async () => {
    const clickHouse = await open();
    await clickHouse.writing.command({
      query: `ALTER TABLE decision_spans ADD CONSTRAINT taste CHECK origin != 'https://poison.example'`,
    });
    const writer = writerOf(clickHouse, { lingerMillis: 20 });
    const results = await Promise.allSettled(
      Array.from({ length: 9 }, (_, index) =>
        writer.write([
          decisionSpan({
            time: NOW,
            spanId: `000000000000000${index + 1}`,
            origin: index === 4 ? 'https://poison.example' : 'https://fine.example',
          }),
        ]),
      ),
    );
    expect(results.map((result) => result.status === 'fulfilled')).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7, 8].map((index) => index !== 4),
    );
    expect(results[4]).toMatchObject({ reason: { code: 'ROW_REFUSED', retryable: false } });
    expect(await rows(clickHouse, 'SELECT count() AS count FROM decision_spans')).toEqual([{ count: 8 }]);
    expect(writer.counters).toMatchObject({ written: 8, refused: 1 });
  });

  test('beyond its limit the writer rejects immediately, and accepts requests again after writing', async () => {
    const clickHouse = await open();
    const writer = writerOf(clickHouse, { maxPendingBytes: 4_400 });
    const first = writer.write(decisionSpans(8, () => ({ time: NOW })));
    await expect(writer.write(decisionSpans(3, () => ({ time: NOW })))).rejects.toMatchObject({
      code: 'OVERLOADED',
      retryable: true,
    });
    await first;
    await writer.write(decisionSpans(3, () => ({ time: NOW })));
    expect(writer.counters).toMatchObject({ written: 11, overloaded: 3 });
  });

  test('a request beyond the limit is accepted when nothing else is pending', async () => {
    const clickHouse = await open();
    const writer = writerOf(clickHouse, { maxPendingBytes: 4_400, maxInsertRows: 5 });
    await writer.write(decisionSpans(50, () => ({ time: NOW })));
    expect(await rows(clickHouse, 'SELECT count() AS count FROM decision_spans')).toEqual([{ count: 50 }]);
  });

  test('a value that its column would change fails only its own request', async () => {
    const clickHouse = await open();
    const writer = writerOf(clickHouse, { lingerMillis: 20 });
    const wrong: Partial<DecisionSpan>[] = [
      { decisions: -1 },
      { decisions: 2 ** 64 },
      { statusCode: 70_000 },
      { maxAge: 2 ** 31 },
      { total: 1.5 },
      { total: Number.NaN },
      { spanId: 'no identity' },
      { clients: '00000000000000FF' },
    ];
    const results = await Promise.allSettled([
      ...wrong.map((values, index) =>
        writer.write([decisionSpan({ time: NOW, spanId: `000000000000001${index}`, ...values })]),
      ),
      writer.write([decisionSpan({ time: NOW, spanId: '0000000000000001' })]),
    ]);
    expect(results.slice(0, -1)).toEqual(
      wrong.map(() => ({
        status: 'rejected',
        reason: expect.objectContaining({ code: 'ROW_REFUSED', retryable: false }),
      })),
    );
    expect(await rows(clickHouse, 'SELECT toString(span) AS span FROM decision_spans')).toEqual([
      { span: '1' },
    ]);
    expect(writer.counters).toMatchObject({ written: 1, refused: wrong.length });
  });

  test('transient errors are retried; if they persist, the sender is told to retry', async () => {
    const clickHouse = await open();
    const { writing, publishing } = clickHouse;
    await writerOf(clickHouse).write([decisionSpan({ time: NOW, spanId: '0000000000000001' })]);
    await writing.command({ query: 'ALTER TABLE decision_spans MODIFY SETTING parts_to_throw_insert = 1' });
    const next = decisionSpan({ time: NOW, spanId: '0000000000000002' });
    const impatient = writerOf(clickHouse, { retryMillis: [1] });
    await expect(impatient.write([next])).rejects.toMatchObject({
      code: 'WRITE_FAILED',
      retryable: true,
      cause: { code: '252' },
    });
    expect(impatient.counters).toMatchObject({ failed: 1, retries: 1 });

    const patient = writerOf(clickHouse, { retryMillis: Array.from({ length: 500 }, () => 10) });
    const written = patient.write([next]);
    await expect.poll(() => patient.counters.retries).toBeGreaterThan(0);
    await publishing.command({ query: 'ALTER TABLE decision_spans RESET SETTING parts_to_throw_insert' });
    await written;
    expect(patient.counters).toMatchObject({ written: 1, failed: 0 });
  });

  test('persistent errors are not retried in a loop, and the rows are not rejected for them', async () => {
    const clickHouse = await open();
    await clickHouse.writing.command({ query: 'RENAME TABLE decision_spans TO elsewhere' });
    const writer = writerOf(clickHouse);
    const refusal = { code: 'WRITE_FAILED', retryable: true, cause: { code: '60' } };
    await expect(writer.write([decisionSpan({ time: NOW })])).rejects.toMatchObject(refusal);
    expect(writer.counters).toMatchObject({ failed: 1, refused: 0, retries: 0 });
    await clickHouse.writing.command({ query: 'RENAME TABLE elsewhere TO decision_spans' });
    await writer.write([decisionSpan({ time: NOW })]);
    expect(writer.counters).toMatchObject({ written: 1 });
  });

  test('spans of frozen slots and of the far future are counted, not written or modified', async () => {
    const clickHouse = await open();
    const writer = writerOf(clickHouse);
    const hour = 3_600_000;
    await writer.write([
      decisionSpan({ time: NOW - 49 * hour, spanId: '0000000000000001' }),
      decisionSpan({ time: NOW - 47 * hour, spanId: '0000000000000002' }),
      decisionSpan({ time: NOW + 2 * hour, spanId: '0000000000000003' }),
    ]);
    expect(writer.counters).toMatchObject({ written: 1, late: 1, ahead: 1 });
    expect(await rows(clickHouse, 'SELECT toString(span) AS span FROM decision_spans')).toEqual([
      { span: '2' },
    ]);
  });

  test('closing writes pending spans and accepts no more', async () => {
    const clickHouse = await open();
    const writer = writerOf(clickHouse, { lingerMillis: 60_000 });
    const written = writer.write([decisionSpan({ time: NOW })]);
    await writer.close();
    await written;
    expect(await rows(clickHouse, 'SELECT count() AS count FROM decision_spans')).toEqual([{ count: 1 }]);
    await expect(writer.write([decisionSpan({ time: NOW })])).rejects.toMatchObject({
      code: 'WRITER_CLOSED',
    });
  });
});

import { describe, expect, test } from 'vitest';
import { blockedObservation, observation } from '../../../test/support/observation.ts';
import { OTHER } from '../attributes.ts';
import { type CoalescedSpan, Coalescer, type CoalescingOptions } from './coalescer.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
/** Start of a minute. */
const START = Date.UTC(2026, 10, 22, 12, 0, 0);
const ALL = Number.POSITIVE_INFINITY;

const OPTIONS: CoalescingOptions = {
  intervalMillis: 10 * SECOND,
  newKeysAtStart: 500,
  newKeysPerMinute: 50,
  blockedSpansPerSecond: 20,
  blockedSpansBurst: 100,
};

const coalescer = (options: Partial<CoalescingOptions> = {}) => new Coalescer({ ...OPTIONS, ...options });

const decisionsOf = (spans: readonly CoalescedSpan[]) => spans.reduce((sum, span) => sum + span.decisions, 0);
const countsOf = (spans: readonly CoalescedSpan[]) => spans.map((span) => span.attributes['cors.decisions']);
const minuteOf = (time: number) => Math.floor(time / MINUTE) * MINUTE;

describe('an interval', () => {
  test('reports the first decision of its key at once and all repeats in one more span when it ends', () => {
    const c = coalescer();
    c.record(observation({ time: START }));
    expect(countsOf(c.cut(START, ALL))).toEqual([1]);
    for (let second = 1; second < 10; second++) c.record(observation({ time: START + second * SECOND }));
    expect(c.cut(START + 9_999, ALL)).toEqual([]);
    const [repeats, ...others] = c.cut(START + 10 * SECOND, ALL);
    expect(others).toEqual([]);
    expect(repeats).toMatchObject({ decisions: 9, start: START + SECOND, end: START + 9 * SECOND });
  });

  test('restarts after it ended: the next decision is reported at once again', () => {
    const c = coalescer();
    c.record(observation({ time: START }));
    c.cut(START, ALL);
    c.record(observation({ time: START + 10 * SECOND }));
    expect(countsOf(c.cut(START + 10 * SECOND, ALL))).toEqual([1]);
  });

  test('ends with the minute at the latest, so that no span stands for two minutes', () => {
    const c = coalescer({ intervalMillis: 45 * SECOND });
    c.record(observation({ time: START + 46 * SECOND }));
    c.cut(START + 46 * SECOND, ALL);
    c.record(observation({ time: START + 59_999 }));
    c.record(observation({ time: START + MINUTE }));
    const spans = c.cut(START + MINUTE, ALL);
    expect(spans.map(({ start, end }) => [start, end])).toEqual([
      [START + 59_999, START + 59_999],
      [START + MINUTE, START + MINUTE],
    ]);
  });

  test('of 0 gives every decision a span of its own, and still loses none of a million', () => {
    const c = coalescer({ intervalMillis: 0 });
    for (let n = 0; n < 300; n++) c.record(observation({ time: START }));
    expect(countsOf(c.cut(START, ALL))).toEqual(Array(300).fill(1));
    for (let n = 0; n < 100_000; n++) c.record(observation({ time: START }));
    expect(c.waiting).toBeLessThan(2_100);
    expect(decisionsOf(c.cut(START, ALL))).toBe(100_000);
  });
});

describe('decisions are equal', () => {
  test('when no attribute of the span differs, regardless of client and path', () => {
    const c = coalescer();
    c.record(observation({ time: START, clientBit: 0, path: '/a' }));
    c.record(observation({ time: START + 1, clientBit: 33, path: '/b' }));
    c.record(observation({ time: START + 2, clientBit: 63, path: undefined }));
    const [span, ...others] = c.cut(START + 2, ALL);
    expect(others).toEqual([]);
    expect(span?.attributes).toMatchObject({ 'cors.decisions': 3, 'cors.clients': '8000000200000001' });
  });

  test.each([
    ['origin', {}, { origin: 'https://other.example' }],
    ['kind', {}, { kind: 'preflight' }],
    ['requested headers', {}, { requestHeaders: ['x-a'] }],
    ['detail', {}, { detail: 'x' }],
    ['credentials', {}, { credentials: 'included' }],
    ['answer', {}, { allowOrigin: 'wildcard' }],
    ['allowed credentials', {}, { allowCredentials: true }],
    ['max age', {}, { maxAge: 0 }],
    ['site', {}, { site: 'same-site' }],
    ['browser', {}, { browser: false }],
    ['vary', {}, { varyOrigin: false }],
    ['status', { statusCode: 404 }, {}],
    ['method', { method: 'POST' }, {}],
    ['route', { route: undefined }, {}],
    ['host', { serverAddress: 'b.example' }, {}],
  ] as const)('and not when the %s differs', (_, given, decision) => {
    const c = coalescer();
    c.record(observation({ time: START }));
    c.record(observation({ time: START, ...given }, decision));
    expect(countsOf(c.cut(START, ALL))).toEqual([1, 1]);
  });
});

describe('a span', () => {
  test('reports the decision in the documented attributes, the count first', () => {
    const c = coalescer();
    c.record(
      blockedObservation(
        { time: START, method: 'OPTIONS', statusCode: 204, clientBit: 5 },
        {
          kind: 'preflight',
          reason: 'header_not_allowed',
          detail: 'x-b',
          requestHeaders: ['x-a', 'x-b'],
          maxAge: 600,
          allowOrigin: 'exact',
        },
      ),
    );
    const [span] = c.cut(START, ALL);
    expect(span?.name).toBe('CORS preflight');
    expect(Object.keys(span?.attributes ?? {})[0]).toBe('cors.decisions');
    expect(span?.attributes).toEqual({
      'cors.decisions': 1,
      'cors.decisions.total': 1,
      'cors.kind': 'preflight',
      'cors.verdict': 'blocked',
      'cors.reason': 'header_not_allowed',
      'cors.reason.detail': 'x-b',
      'cors.origin': 'https://shop.example',
      'cors.request.method': 'GET',
      'cors.request.headers': ['x-a', 'x-b'],
      'cors.credentials': 'omitted',
      'cors.allow_origin': 'exact',
      'cors.allow_credentials': false,
      'cors.max_age': 600,
      'cors.vary_origin': true,
      'cors.site': 'cross-site',
      'cors.browser': true,
      'cors.clients': '0000000000000020',
      'http.request.method': 'OPTIONS',
      'http.response.status_code': 204,
      'http.route': '/orders/:id',
      'server.address': 'api.example',
      'url.path': '/orders/:id',
    });
  });

  test('leaves out absent values, and never has the path of an allowed request', () => {
    const c = coalescer();
    c.record(observation({ time: START, route: undefined, serverAddress: undefined }, { maxAge: 1e300 }));
    const [span] = c.cut(START, ALL);
    expect(span?.name).toBe('CORS request');
    const present = Object.entries(span?.attributes ?? {}).filter(([, value]) => value !== undefined);
    expect(Object.fromEntries(present)).not.toHaveProperty(['cors.reason']);
    for (const name of ['cors.reason', 'cors.max_age', 'cors.clients', 'http.route', 'url.path']) {
      expect(present.map(([key]) => key)).not.toContain(name);
    }
  });

  test("links to the request's span without its trace state", () => {
    const c = coalescer();
    const traceState = {
      get: () => 'th:8',
      set: () => traceState,
      unset: () => traceState,
      serialize: () => '',
    };
    const link = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
    c.record(observation({ time: START, link: { ...link, traceState } }));
    expect(c.cut(START, ALL)[0]?.link).toEqual(link);
  });

  test('carries the running total in the order in which spans are cut', () => {
    const c = coalescer();
    for (let n = 0; n < 5; n++) {
      c.record(observation({ time: START }));
      c.record(observation({ time: START + MINUTE }, { origin: 'https://b.example' }));
    }
    expect(c.cut(START + MINUTE, 1).map((span) => span.attributes['cors.decisions.total'])).toEqual([5]);
    expect(c.cut(START + MINUTE, 1).map((span) => span.attributes['cors.decisions.total'])).toEqual([10]);
  });
});

describe('a blocked decision', () => {
  test('keeps a span of its own with its path, up to a rate; the others are counted', () => {
    const c = coalescer();
    for (let n = 0; n < 150; n++) c.record(blockedObservation({ time: START, path: `/orders/${n}` }));
    const spans = c.cut(START, ALL, true);
    expect(countsOf(spans)).toEqual([...Array(100).fill(1), 50]);
    expect(spans[7]?.attributes['url.path']).toBe('/orders/7');
    c.record(blockedObservation({ time: START + 50 }));
    expect(c.individual).toBe(1);
  });

  test('has none when its key is past the budget', () => {
    const c = coalescer({ newKeysAtStart: 1 });
    for (let n = 0; n < 10; n++)
      c.record(blockedObservation({ time: START }, { origin: `https://${n}.example` }));
    expect(countsOf(c.cut(START, ALL))).toEqual([1, 9]);
  });
});

describe('the budget of new keys', () => {
  const origins = (spans: readonly CoalescedSpan[]) => spans.map((span) => span.attributes['cors.origin']);
  const flood = (c: Coalescer, time: number, count: number, from = 0) => {
    for (let n = from; n < from + count; n++) {
      c.record(observation({ time }, { origin: `https://${n}.evil.example`, detail: `d${n}` }));
    }
  };

  test('is 500 while starting and 50 in each later minute; past it free texts are (other)', () => {
    const c = coalescer();
    flood(c, START, 600);
    const first = c.cut(START, ALL, true);
    expect(first).toHaveLength(501);
    expect(first.at(-1)?.attributes).toMatchObject({
      'cors.decisions': 100,
      'cors.origin': OTHER,
      'cors.reason.detail': OTHER,
      'cors.request.method': OTHER,
      'server.address': OTHER,
      'http.route': '/orders/:id',
      'http.request.method': 'GET',
    });
    flood(c, START + MINUTE, 600, 1_000);
    expect(origins(c.cut(START + MINUTE, ALL, true))).toHaveLength(51);
  });

  test('does not apply to keys that are known already', () => {
    const c = coalescer();
    c.record(observation({ time: START }));
    flood(c, START, 10_000);
    c.cut(START, ALL, true);
    c.record(observation({ time: START + 20 * SECOND }));
    expect(origins(c.cut(START + 20 * SECOND, ALL))).toEqual(['https://shop.example']);
  });

  test('returns to keys that were not seen for twenty minutes', () => {
    const c = coalescer({ newKeysAtStart: 1, newKeysPerMinute: 1 });
    for (let minute = 0; minute < 100; minute++) {
      const time = START + minute * MINUTE;
      flood(c, time, 1, minute);
      expect(origins(c.cut(time, ALL, true))).toEqual([`https://${minute}.evil.example`]);
    }
  });

  test('is not spent on a key of more than a thousand characters', () => {
    const c = coalescer();
    c.record(observation({ time: START }, { detail: 'x'.repeat(1_100) }));
    expect(c.cut(START, ALL)[0]?.attributes).toMatchObject({ 'cors.reason.detail': OTHER });
  });

  test('has a second one behind it: routes without end become (other) as well', () => {
    const c = coalescer();
    for (let n = 0; n < 10_000; n++) c.record(observation({ time: START, route: `/${n}` }));
    const spans = c.cut(START, ALL, true);
    expect(spans.length).toBeLessThan(800);
    expect(decisionsOf(spans)).toBe(10_000);
    expect(spans.at(-1)?.attributes).toMatchObject({ 'http.route': OTHER, 'cors.verdict': 'allowed' });
  });
});

test('a flood of a million distinct origins costs at most twice a quiet day, and every decision is counted', () => {
  const quietDay = (isFlooded: boolean) => {
    const c = coalescer();
    let spans = 0;
    let sent = 0;
    let recorded = 0;
    let waiting = 0;
    for (let second = 0; second < 600; second++) {
      const time = START + second * SECOND;
      for (let n = 0; n < 40; n++) c.record(observation({ time }, { origin: `https://${n}.example` }));
      recorded += 40;
      if (isFlooded) {
        for (let n = 0; n < 1_667; n++) {
          c.record(observation({ time }, { origin: `https://${second}-${n}.evil.example` }));
        }
        recorded += 1_667;
      }
      waiting = Math.max(waiting, c.waiting);
      const cut = c.cut(time, ALL);
      spans += cut.length;
      sent += decisionsOf(cut);
    }
    const rest = c.cut(START + 600 * SECOND, ALL, true);
    expect(sent + decisionsOf(rest)).toBe(recorded);
    return { spans: spans + rest.length, waiting };
  };
  const quiet = quietDay(false);
  const flooded = quietDay(true);
  expect(flooded.spans).toBeLessThanOrEqual(2 * quiet.spans);
  expect(flooded.waiting).toBeLessThan(600);
}, 60_000);

describe('in an outage', () => {
  test('the first ten minutes are exact, later decisions are added to the oldest one, and none is lost', () => {
    const c = coalescer();
    for (let minute = 0; minute < 60; minute++) {
      for (let n = 0; n < 7; n++) c.record(observation({ time: START + minute * MINUTE + n * SECOND }));
    }
    const spans = c.cut(START + 60 * MINUTE, ALL);
    for (const span of spans) expect(minuteOf(span.end)).toBe(minuteOf(span.start));
    const byMinute = new Map(spans.map((span) => [(span.start - START) / MINUTE, span.decisions]));
    for (let minute = 1; minute < 10; minute++) expect(byMinute.get(minute)).toBe(7);
    expect(Math.max(...byMinute.keys())).toBeLessThanOrEqual(10);
    expect(decisionsOf(spans)).toBe(60 * 7);
    expect(minuteOf(spans[0]?.start ?? 0)).toBe(START);
  });

  test('pending data does not grow with its length, not even under a flood', () => {
    const c = coalescer();
    let afterAnHour = 0;
    let recorded = 0;
    for (let minute = 0; minute < 24 * 60; minute++) {
      for (let n = 0; n < 60; n++, recorded++) {
        const time = START + minute * MINUTE;
        c.record(blockedObservation({ time }, { origin: `https://${minute}-${n}.evil.example` }));
      }
      if (minute === 60) afterAnHour = c.waiting;
    }
    expect(c.waiting).toBeLessThan(afterAnHour + 10);
    expect(decisionsOf(c.cut(START + 24 * 60 * MINUTE, ALL))).toBe(recorded);
  });

  test('spans come out oldest minute first, however few at a time', () => {
    const c = coalescer();
    for (let minute = 5; minute >= 0; minute--) {
      for (let n = 0; n < 20; n++) {
        c.record(blockedObservation({ time: START + minute * MINUTE }, { origin: `https://${n}.example` }));
      }
    }
    const times: number[] = [];
    for (let spans = c.cut(START + 6 * MINUTE, 7); spans.length > 0; spans = c.cut(START + 6 * MINUTE, 7)) {
      times.push(...spans.map((span) => span.start));
    }
    expect(times).toHaveLength(120);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(c.waiting).toBe(0);
  });
});

test('a clock that is set back changes no count', () => {
  const c = coalescer();
  for (const time of [START + 5 * MINUTE, START, START + 6 * MINUTE, START - 60 * MINUTE]) {
    c.record(observation({ time }));
    c.record(blockedObservation({ time }));
  }
  expect(decisionsOf(c.cut(START + 7 * MINUTE, ALL))).toBe(8);
});

import { expect, test } from 'vitest';
import { createAnalysis } from './incident-analysis.ts';
import type { Incident } from './incidents/incident.ts';
import type { UsageRow } from './input/usage-row.ts';

const MINUTE = 60_000;
const START = Date.UTC(2026, 8, 7);

/** An allowed GET from a shop's pages. */
function row(given: Partial<UsageRow>): Omit<UsageRow, 'minute'> {
  return {
    service: 'checkout',
    environment: 'production',
    version: '1.0.0',
    route: '/v1/cart',
    kind: 'actual',
    verdict: 'allowed',
    reason: '',
    detail: '',
    origin: 'https://shop.example',
    method: 'GET',
    requestedHeaders: '',
    credentials: 'included',
    allowOrigin: 'exact',
    allowCredentials: true,
    varyOrigin: true,
    browser: true,
    statusCode: 200,
    decisions: 5,
    clientsHigh: 0,
    clientsLow: 0b1011,
    ...given,
  };
}

const blocked = {
  verdict: 'blocked',
  reason: 'acao_missing',
  allowOrigin: 'absent',
  allowCredentials: false,
} as const;

/** Runs minutes of rows; returns every incident as it was last said. */
function run(minutes: readonly (readonly Omit<UsageRow, 'minute'>[])[]): Incident[] {
  const analysis = createAnalysis();
  const incidents = new Map<string, Incident>();
  for (const [index, rows] of minutes.entries()) {
    const minute = START + index * MINUTE;
    for (const incident of analysis.tick({ minute, rows: rows.map((one) => ({ ...one, minute })) })) {
      incidents.set(incident.id, incident);
    }
  }
  return [...incidents.values()];
}

const hour = (rows: readonly Omit<UsageRow, 'minute'>[], minutes = 60) =>
  Array.from({ length: minutes }, () => rows);
const shop = row({});
const docs = row({ origin: 'https://docs.example' });

test('an origin that was allowed and is blocked is a breakage that pages, and names the origin', () => {
  const [incident, ...others] = run([
    ...hour([shop, docs]),
    ...hour(
      [row({ ...blocked, version: '1.1.0' }), row({ origin: 'https://docs.example', version: '1.1.0' })],
      5,
    ),
  ]);
  expect(others).toEqual([]);
  expect(incident).toMatchObject({
    class: 'breakage',
    page: true,
    severity: 'critical',
    state: 'firing',
    subject: { kind: 'origin', value: 'https://shop.example' },
    startedAt: START + 60 * MINUTE,
    detectedAt: START + 61 * MINUTE,
    cause: expect.stringContaining('version 1.1.0'),
    change: expect.stringContaining('https://shop.example'),
  });
  expect(incident?.evidence.for.join(' ')).toMatch(/25 of 25 affected decisions carry fetch metadata/);
  expect(incident?.affected.origins[0]).toMatchObject({ value: 'https://shop.example', share: 1 });
});

test('the same forged by a tool, without fetch metadata, wakes nobody', () => {
  const forged = row({ ...blocked, browser: false, decisions: 400 });
  const incidents = run([...hour([shop, docs]), ...hour([shop, docs, forged], 20)]);
  expect(incidents.filter(({ page }) => page)).toEqual([]);
  expect(incidents.filter((incident) => incident.class === 'breakage')).toEqual([]);
});

test('one client that is blocked while others are allowed is no breakage', () => {
  const one = row({ ...blocked, decisions: 1, clientsLow: 0b1 });
  expect(run([...hour([shop, docs]), ...hour([shop, docs, one], 1), ...hour([shop, docs], 30)])).toEqual([]);
});

test('a rollback resolves the incident and says so', () => {
  const [incident] = run([
    ...hour([shop, docs]),
    ...hour([row({ ...blocked, version: '1.1.0' }), docs], 10),
    ...hour([shop, docs], 40),
  ]);
  expect(incident).toMatchObject({ state: 'resolved' });
  expect(incident?.resolvedAt).toBeGreaterThanOrEqual(START + 70 * MINUTE);
  expect(incident?.resolvedAt).toBeLessThan(START + 85 * MINUTE);
  expect(incident?.evidence.for.join(' ')).toContain(
    'allowed again by version 1.0.0, which never blocked them: a rollback',
  );
});

test('a header that pages begin to send is named, and that the policy never allowed it', () => {
  const asked = {
    kind: 'preflight',
    method: 'PUT',
    requestedHeaders: 'content-type',
    statusCode: 204,
  } as const;
  const traced = {
    ...asked,
    verdict: 'blocked',
    reason: 'header_not_allowed',
    detail: 'traceparent',
    requestedHeaders: 'content-type,traceparent',
  } as const;
  const [incident] = run([...hour([shop, docs, row(asked)], 90), ...hour([shop, docs, row(traced)], 5)]);
  expect(incident).toMatchObject({
    class: 'breakage',
    page: true,
    subject: { kind: 'header', value: 'traceparent' },
    cause: expect.stringContaining('begun to send the request header traceparent'),
  });
  expect(incident?.evidence.against).not.toEqual([]);
});

test('of two versions side by side, the one that blocks is named', () => {
  const next = { version: '2.0.0' } as const;
  const [incident] = run([
    ...hour([shop, docs]),
    ...hour(
      [
        shop,
        docs,
        row({ ...blocked, ...next, decisions: 3 }),
        row({ ...blocked, ...next, origin: 'https://docs.example', decisions: 3 }),
      ],
      25,
    ),
  ]);
  expect(incident).toMatchObject({ class: 'breakage', subject: { kind: 'version', value: '2.0.0' } });
  expect(incident?.evidence.for.join(' ')).toMatch(
    /version 2.0.0; 1.0.0, which runs beside it .* blocks none/,
  );
});

test('errors without CORS headers are a breakage of which something else is the cause', () => {
  const failing = row({ ...blocked, statusCode: 502, decisions: 20, clientsLow: 0xffff });
  const minutes = [...hour([shop, docs], 120), ...hour([shop, docs, failing], 10)];
  const [incident] = run(minutes);
  expect(incident).toMatchObject({
    class: 'breakage',
    cause: expect.stringMatching(/upstream, proxy, limiter.* answers 502/),
  });
  // A restart takes two minutes, and is none.
  expect(
    run([...hour([shop, docs], 120), ...hour([shop, docs, failing], 2), ...hour([shop, docs], 20)]),
  ).toEqual([]);
});

test('unrelated sites that are allowed with credentials page; developers and extensions are noise', () => {
  const day = hour([shop, docs], 25 * 60);
  const evil = ['https://lumen.io', 'https://harbor.dev', 'https://quartz.net'].map((origin) =>
    row({ origin, browser: false, decisions: 1 }),
  );
  const [incident] = run([...day, ...hour([shop, docs, ...evil], 3)]);
  expect(incident).toMatchObject({
    class: 'misconfiguration',
    page: true,
    subject: { value: 'origin_reflection' },
  });
  expect(incident?.evidence.for[0]).toContain('with credentials');

  const noise = [
    'http://localhost:3000',
    'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
    'http://10.0.0.7',
  ].map((origin) => row({ ...blocked, origin, decisions: 9 }));
  expect(run([...day, ...hour([shop, docs, ...noise], 60)])).toEqual([]);
});

test('a service that falls silent is a telemetry gap, and nothing else', () => {
  const [incident, ...others] = run([
    ...hour([shop, docs], 26 * 60),
    ...hour([], 30),
    ...hour([shop, docs], 10),
  ]);
  expect(others).toEqual([]);
  expect(incident).toMatchObject({
    class: 'telemetry_gap',
    page: false,
    state: 'resolved',
    startedAt: START + 26 * 60 * MINUTE,
  });
});

test('an origin that was blocked and is allowed now is told as a widened policy, with what it may do', () => {
  const partner = row({ origin: 'https://partner.example' });
  const [incident, ...others] = run([
    ...hour([shop, docs, row({ ...blocked, origin: 'https://partner.example', decisions: 1 })], 90),
    ...hour([shop, docs, partner], 5),
  ]);
  expect(others).toEqual([]);
  expect(incident).toMatchObject({
    class: 'legitimate_shift',
    page: false,
    subject: { kind: 'origin', value: 'https://partner.example' },
    startedAt: START + 90 * MINUTE,
    detectedAt: START + 91 * MINUTE,
  });
  expect(incident?.evidence.for[0]).toBe(
    'The policy was widened: calls of https://partner.example were blocked before (90 decisions) and are allowed now, with credentials.',
  );
});

test('credentials for an unrelated site that only a program uses are not called legitimate', () => {
  const [incident] = run([
    ...hour(
      [shop, docs, row({ ...blocked, origin: 'https://other.example', browser: false, decisions: 1 })],
      90,
    ),
    ...hour([shop, docs, row({ origin: 'https://other.example', browser: false, clientsLow: 1 })], 2),
  ]);
  expect(incident).toMatchObject({ class: 'unclassified', page: false });
  expect(incident?.evidence.against.join(' ')).toContain('https://other.example has nothing to do with');
});

test('an app shell is named for what it is, and a header and a reason against what is usual', () => {
  const app = row({
    origin: 'capacitor://localhost',
    kind: 'preflight',
    method: 'PUT',
    requestedHeaders: 'content-type,x-request-id',
  });
  const plain = row({ kind: 'preflight', method: 'PUT', requestedHeaders: 'content-type' });
  const stranger = row({ ...blocked, origin: 'https://stranger.example', decisions: 5 });
  const twoDays = hour([app, plain, shop, stranger], 2 * 1440);
  const [incident] = run([
    ...twoDays,
    ...hour(
      [{ ...app, verdict: 'blocked', reason: 'header_not_allowed', detail: 'x-request-id' }, plain, shop],
      3,
    ),
  ]).filter(({ class: kind }) => kind === 'breakage');
  expect(incident?.evidence.for).toContain('Origin capacitor://localhost is a Capacitor app on iOS.');
  expect(incident?.affected.requestedHeaders).toEqual([
    { value: 'x-request-id', decisions: expect.any(Number), share: 1, baselineShare: expect.closeTo(0.5, 2) },
  ]);
  expect(incident?.affected.reasons).toEqual([
    { value: 'header_not_allowed', decisions: expect.any(Number), share: 1, baselineShare: 0 },
  ]);
});

test('one blocked call is enough where chance has blocked none before, and is a ticket until more people are affected', () => {
  const once = { ...row({ ...blocked, decisions: 1, clientsLow: 1 }) };
  const first = run([...hour([shop, docs], 24 * 60), [docs, once]]);
  expect(first).toMatchObject([
    { class: 'breakage', page: false, detectedAt: START + (24 * 60 + 1) * MINUTE },
  ]);
  const many = run([...hour([shop, docs], 24 * 60), [docs, once], ...hour([docs, row(blocked)], 3)]);
  expect(many).toMatchObject([{ id: first[0]?.id, page: true }]);
});

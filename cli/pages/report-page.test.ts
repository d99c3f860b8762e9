import { expect, test } from 'vitest';
import type { BlockedCallGroup, Report, ServiceReport } from '../../reports/report.ts';
import { renderReport } from './report-page.ts';

const PLAIN = { width: 100, color: false };

function blockedCall(given: Partial<BlockedCallGroup> = {}): BlockedCallGroup {
  return {
    origin: 'http://shop.example',
    kind: 'actual',
    reason: 'acao_missing',
    detail: '',
    method: 'GET',
    requestedHeaders: [],
    statusCode: 200,
    route: '/products/:id',
    decisions: 1_200,
    firstSeen: '2026-11-22T10:03:00Z',
    lastSeen: '2026-11-22T10:41:00Z',
    examplePath: '/products/17',
    exampleTraceId: '0af7651916cd43dd8448eb211c80319c',
    nearest: { origin: 'https://shop.example', difference: 'scheme' },
    remedy: 'Send "Access-Control-Allow-Origin: http://shop.example".',
    ...given,
  };
}

function service(given: Partial<ServiceReport> = {}): ServiceReport {
  return {
    service: 'catalog',
    decisions: 11_200,
    allowed: 10_000,
    blocked: 1_200,
    unknown: 0,
    origins: 2,
    preflights: 40,
    sampled: 0,
    estimated: 0,
    behindGateway: 0,
    failedPreflights: [],
    unknownReasons: [],
    completeness: { received: 11_200, observed: 11_200 },
    topOrigins: [
      {
        origin: 'https://shop.example',
        decisions: 10_000,
        allowed: 10_000,
        blocked: 0,
        unknown: 0,
        firstSeen: '2026-11-21T23:59:00Z',
        lastSeen: '2026-11-22T10:41:00Z',
      },
    ],
    furtherOrigins: 0,
    topBlocked: [blockedCall()],
    furtherBlocked: 0,
    topUnknown: [],
    furtherUnknown: 0,
    ...given,
  };
}

function reportOf(...services: ServiceReport[]): Report {
  return {
    since: '2026-11-21T11:00:00.000Z',
    until: '2026-11-22T11:00:00.000Z',
    resolution: 'minute',
    services,
    truncated: false,
    furtherServices: 0,
    troubles: [],
  };
}

test('a blocked call is told with its request, its reason, what to change and what was probably meant', () => {
  const page = renderReport(reportOf(service()), PLAIN);
  expect(page).toContain('1,200 × http://shop.example · GET /products/:id');
  expect(page).toContain('no Access-Control-Allow-Origin (acao_missing)');
  expect(page).toContain('→ Send "Access-Control-Allow-Origin: http://shop.example".');
  expect(page).toContain('≈ like https://shop.example, which is allowed; the scheme differs');
  expect(page).toContain('first seen 10:03, last 10:41, trace 0af7651916cd43dd8448eb211c80319c');
});

test('a blocked preflight names the call that it was for and the failing token', () => {
  const page = renderReport(
    reportOf(
      service({
        topBlocked: [
          blockedCall({
            kind: 'preflight',
            reason: 'header_not_allowed',
            detail: 'traceparent',
            method: 'PUT',
            route: '/*',
            requestedHeaders: ['content-type', 'traceparent'],
          }),
        ],
      }),
    ),
    PLAIN,
  );
  expect(page).toContain('preflight for PUT /products/17 with content-type, traceparent');
  expect(page).toContain('header not in Access-Control-Allow-Headers: traceparent (header_not_allowed)');
});

test('times of an earlier day say so', () => {
  expect(renderReport(reportOf(service()), PLAIN)).toMatch(/https:\/\/shop\.example .* 11-21 23:59 +10:41/);
});

test('nothing that a stranger sent moves the cursor, rings, hides or turns the text around', () => {
  const hostile = 'https://\u001b[2J\u001b]0;owned\u0007\r\n\u202eelpmaxe\u200b\u2028\u009b1m';
  const page = renderReport(
    reportOf(
      service({
        service: hostile,
        topOrigins: [
          { ...(service().topOrigins[0] as ServiceReport['topOrigins'][number]), origin: hostile },
        ],
        topBlocked: [
          blockedCall({
            origin: hostile,
            detail: hostile,
            method: hostile,
            route: hostile,
            remedy: hostile,
            exampleTraceId: hostile,
            requestedHeaders: [hostile],
            nearest: { origin: hostile, difference: 'port' },
          }),
          blockedCall({ kind: 'preflight', examplePath: hostile }),
        ],
      }),
    ),
    PLAIN,
  );
  expect(page.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
});

test('no line of a page is wider than the terminal unless a word is', () => {
  for (const width of [80, 90, 120]) {
    const long = service({
      topOrigins: [{ ...service().topOrigins[0], origin: `https://${'a'.repeat(200)}` } as never],
    });
    const lines = renderReport(reportOf(long, service({ service: 'search' })), { width, color: false }).split(
      '\n',
    );
    expect(lines.filter((line) => line.length > width)).toEqual([]);
  }
});

test('colours appear only when asked for', () => {
  const report = reportOf(service());
  const esc = String.fromCharCode(27);
  expect(renderReport(report, PLAIN)).not.toContain(esc);
  const coloured = renderReport(report, { ...PLAIN, color: true });
  expect(coloured.replace(new RegExp(`${esc}\\[[0-9;]*m`, 'g'), '')).toBe(renderReport(report, PLAIN));
  expect(coloured).toContain(esc);
});

test('completeness is rounded down: 100 % is said only of what is complete', () => {
  const almost = service({ completeness: { received: 99_999, observed: 100_000 } });
  expect(renderReport(reportOf(almost), PLAIN)).toContain('99.9 %');
  expect(renderReport(reportOf(service()), PLAIN)).toContain('100 %');
});

test('what is left out is said', () => {
  const blockedCalls = Array.from({ length: 8 }, () => blockedCall());
  const busy = service({ origins: 40, furtherOrigins: 39, topBlocked: blockedCalls, furtherBlocked: 2 });
  const page = renderReport({ ...reportOf(busy, service({ service: 'search' })), furtherServices: 3 }, PLAIN);
  expect(page).toContain('… and 39 more origins: originscope report --service catalog --all');
  expect(page).toContain('… and 7 more kinds of calls: originscope report --service catalog --all');
  expect(page).toContain('3 more services');
  const alone = renderReport(reportOf(busy), PLAIN);
  expect(alone.match(/→/g)).toHaveLength(8);
  expect(alone).toContain('… and 2 more kinds of calls');
});

test('what is unknown is listed like what is blocked, with what would settle it', () => {
  const page = renderReport(
    reportOf(
      service({
        unknown: 309,
        topUnknown: [
          blockedCall({
            reason: 'credentials_mode_unknown',
            decisions: 309,
            nearest: undefined,
            remedy: 'If pages shall send cookies, answer with their origin.',
          }),
        ],
      }),
    ),
    PLAIN,
  );
  expect(page).toContain('Verdict unknown');
  expect(page).toContain('309 × http://shop.example · GET /products/:id');
  expect(page).toContain('→ If pages shall send cookies');
});

test('the command for one service can be pasted, whatever the service is called', () => {
  const blockedCalls = Array.from({ length: 8 }, () => blockedCall());
  const pageFor = (name: string) =>
    renderReport(reportOf(service({ service: name, topBlocked: blockedCalls }), service()), PLAIN);

  expect(pageFor("x'; touch /tmp/owned; $(id)")).toContain(
    "… and 5 more kinds of calls: originscope report --service 'x'\\''; touch /tmp/owned; $(id)' --all\n",
  );
  // Of what a terminal shall not show there is no command.
  expect(pageFor('x\u001b[2J\nid')).toContain(
    '… and 5 more kinds of calls: report this service with --service and --all\n',
  );
});

test('an empty report says what to do next', () => {
  const page = renderReport(reportOf(), PLAIN);
  expect(page).toContain('No decisions');
  expect(page).toContain('originscope up');
  expect(renderReport({ ...reportOf(), service: 'nobody' }, PLAIN)).toContain('No decisions of nobody');
});

test('a count from sampled spans is never shown as exact', () => {
  const lower = renderReport(reportOf(service({ sampled: 1, unknown: 7 })), PLAIN);
  for (const shown of ['≥ 11,200', '≥ 10,000', '≥ 1,200 ×', '≥ 7 unknown', '≥ 40 preflights', 'at least: ']) {
    expect(lower).toContain(shown);
  }
  const estimate = renderReport(reportOf(service({ estimated: 11_200 })), PLAIN);
  for (const shown of ['≈ 11,200', '≈ 1,200 ×', 'about: ']) expect(estimate).toContain(shown);
  expect(renderReport(reportOf(service()), PLAIN)).not.toMatch(/≥|≈ \d/);
});

test('how much space is left stands below, and what to do when it is little', () => {
  const disk = { name: 'default', freeBytes: 30 * 1024 ** 3, totalBytes: 40 * 1024 ** 3, low: false };
  const enough = renderReport({ ...reportOf(service()), disks: [disk] }, PLAIN);
  expect(enough).toMatch(/\n\nDisk default: 30\.0 GiB of 40\.0 GiB free\n$/);
  for (const services of [[service()], []]) {
    const little = { ...disk, freeBytes: 1024 ** 2, low: true };
    expect(renderReport({ ...reportOf(...services), disks: [little] }, PLAIN)).toContain(
      'Disk default: 1.0 MiB of 40.0 GiB free. Free some of the disk default, or make it larger',
    );
  }
});

test('what a gateway saw, too, is said', () => {
  const page = renderReport(reportOf(service({ behindGateway: 11_000 })), PLAIN);
  expect(page).toContain('11,000 of these were also seen by a gateway');
});

test('what cannot be published is told below, also when there is nothing else', () => {
  const troubles = ['Slot 2026-11-22T10:00:00Z could not be published: memory limit \u001b[31m exceeded. '];
  for (const report of [reportOf(service()), reportOf()]) {
    expect(renderReport({ ...report, troubles }, PLAIN)).toMatch(
      /\n! Slot 2026-11-22T10:00:00Z could not be published: memory limit \ufffd\[31m\s+exceeded\.\n$/,
    );
  }
  const many = Array.from({ length: 9 }, (_, index) => `Slot ${index} could not be published: no memory`);
  expect(
    renderReport({ ...reportOf(), troubles: many }, PLAIN).match(/could not be published/g),
  ).toHaveLength(5);
});

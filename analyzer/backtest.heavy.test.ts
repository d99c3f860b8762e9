import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createWorld } from '../test/scenarios/world.ts';
import { openTestClickHouse, rows } from '../test/support/clickhouse.ts';
import { recordWorlds } from '../test/support/recorded-worlds.ts';
import { startAnalyzer } from './analyzer.ts';
import { backtest } from './backtest.ts';
import { CONFIGURATION } from './configuration.ts';
import { createAnalysis } from './incident-analysis.ts';
import type { Incident } from './incidents/incident.ts';
import { documentOf } from './incidents/incident-document.ts';
import { readIncidents, saveVerdict } from './incidents/incident-store.ts';

const DAY = 86_400_000;
const log = pino({ level: 'silent' });
/** Minutes are kept for 30 days. */
const STARTED_AT = Math.floor(Date.now() / DAY) * DAY - 6 * DAY;
const world = createWorld({
  seed: 'recorded',
  families: ['header_dropped'],
  warmUpDays: 0.3,
  volume: 3,
  startedAt: STARTED_AT,
});
const [episode] = world.episodes;
if (episode === undefined) throw new Error('no episode');
const end = Math.floor(world.endsAt / 60_000) * 60_000;
const now = () => world.endsAt + 3_600_000;

test('a backtest finds what broke, what to change, when it was over, and what was accepted since', async () => {
  const clickHouse = await openTestClickHouse();
  await recordWorlds(clickHouse, [world], now);
  const found = await backtest(clickHouse.reading, { since: world.warmUpUntil, until: end });
  expect(found).toHaveLength(1);
  const [incident] = found;
  expect(incident).toMatchObject({
    service: world.model.service,
    class: 'breakage',
    page: true,
    severity: 'critical',
    state: 'resolved',
    subject: episode.subjects[0],
    cause: expect.stringContaining(`allowed the request header ${episode.subjects[0]?.value} before`),
    change: expect.stringContaining('Access-Control-Allow-Headers'),
  });
  expect(incident?.startedAt).toBeGreaterThanOrEqual(episode.start);
  expect(incident?.resolvedAt).toBeGreaterThan(episode.end - 600_000);
  expect(await rows(clickHouse, 'SELECT count() AS n FROM incidents')).toEqual([{ n: 0 }]);

  // The rows of the database say the same as those that they were made from.
  const analysis = createAnalysis();
  const incidents = new Map<string, Incident>();
  for (const minute of world.minutes()) {
    if (minute.minute >= end) break;
    const changed = analysis.tick({ ...minute, rows: [...minute.rows] });
    for (const one of changed) if (one.detectedAt >= world.warmUpUntil) incidents.set(one.id, one);
  }
  expect(
    [...incidents.values()].map(({ id, subject, detectedAt, resolvedAt }) => ({
      id,
      subject,
      detectedAt,
      resolvedAt,
    })),
  ).toEqual(
    found.map(({ id, subject, detectedAt, resolvedAt }) => ({ id, subject, detectedAt, resolvedAt })),
  );

  // What a person accepts is the new normal.
  const window = { since: world.warmUpUntil, until: episode.end };
  const [open] = await backtest(clickHouse.reading, window);
  if (open === undefined) throw new Error('no incident');
  expect(open.resolvedAt).toBeUndefined();
  const at = open.detectedAt + 5 * 60_000;
  await saveVerdict(clickHouse.writing, {
    incident: open.id,
    action: 'accept',
    who: 'an owner',
    why: 'the header is retired',
    at,
  });
  const after = await backtest(clickHouse.reading, window);
  expect(after).toHaveLength(1);
  expect(after[0]).toMatchObject({ id: open.id, state: 'resolved', resolvedAt: at });
  expect(after[0]?.evidence.for.join(' ')).toContain('an owner: the header is retired');
});

test('two analyzers that run live, one of them restarted, store what the backtest finds, byte for byte', async () => {
  const clickHouse = await openTestClickHouse();
  await recordWorlds(clickHouse, [world], now);
  let clock = world.warmUpUntil + CONFIGURATION.settlingMillis;
  const told: Incident[] = [];
  const options = { clickhouse: clickHouse, log, now: () => clock, checkMillis: 10 };
  const first = startAnalyzer({ ...options, onMinute: (incidents) => void told.push(...incidents) });
  let second = startAnalyzer(options);
  await Promise.all([first.caughtUp(), second.caughtUp()]);
  clock = episode.start + 20 * 60_000;
  await Promise.all([first.caughtUp(), second.caughtUp()]);
  await second.close();
  second = startAnalyzer(options);
  clock = end + CONFIGURATION.settlingMillis;
  await Promise.all([first.caughtUp(), second.caughtUp()]);
  await first.close();
  await second.close();

  const found = await backtest(clickHouse.reading, { since: world.warmUpUntil, until: end });
  const stored = await readIncidents(clickHouse.reading, 0);
  expect(JSON.stringify(stored)).toBe(JSON.stringify(found.map(documentOf)));
  expect(told.at(-1)).toEqual(found.at(-1));
  const versions = await rows<{ state: string }>(
    clickHouse,
    'SELECT DISTINCT state FROM incidents FINAL ORDER BY at',
  );
  expect(versions.map(({ state }) => state)).toEqual(expect.arrayContaining(['firing', 'resolved']));
  expect(
    await rows(clickHouse, 'SELECT id, at, count() AS n FROM incidents FINAL GROUP BY id, at HAVING n > 1'),
  ).toEqual([]);
});

test('what was misconfigured before the first run is one ticket, and alerts nobody otherwise', async () => {
  const clickHouse = await openTestClickHouse();
  const until = STARTED_AT + 90 * 60_000;
  const flawed = {
    ...world,
    *minutes() {
      for (const { minute, rows: usual } of world.minutes()) {
        if (minute >= until) return;
        const own = usual.filter(({ verdict }) => verdict === 'allowed');
        // Later in one service than in the other: each alone would be an incident.
        const wildcard = own.map((row) => ({ ...row, allowOrigin: 'wildcard' }));
        const isLate = minute >= STARTED_AT + 40 * 60_000;
        yield {
          minute,
          rows: [...wildcard, ...(isLate ? wildcard.map((row) => ({ ...row, service: 'other' })) : [])],
        };
      }
    },
  };
  await recordWorlds(clickHouse, [flawed], now);
  let clock = STARTED_AT + 80 * 60_000 + CONFIGURATION.settlingMillis;
  const told: Incident[] = [];
  const analyzer = startAnalyzer({
    clickhouse: clickHouse,
    log,
    now: () => clock,
    checkMillis: 10,
    onMinute: (incidents) => void told.push(...incidents),
  });
  await analyzer.caughtUp();
  clock += 3 * 60_000;
  await analyzer.caughtUp();
  await analyzer.close();
  expect(new Set(told.map(({ id }) => id)).size).toBe(1);
  expect(told[0]).toMatchObject({
    class: 'misconfiguration',
    page: false,
    state: 'firing',
    cause: expect.stringContaining('2 misconfigurations of'),
    evidence: { for: [expect.stringContaining('Access-Control-Allow-Origin: *'), expect.any(String)] },
  });
});

import { expect, test } from 'vitest';
import { createRandom } from '../../test/scenarios/random.ts';
import { SeasonalSeries } from './seasonal-series.ts';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const START = Date.UTC(2026, 8, 7);

/** Day and night: 20 a minute at noon, 4 at midnight. */
const usual = (minute: number): number => 12 - 8 * Math.cos((2 * Math.PI * (minute % DAY)) / DAY);

test('what is expected follows the time of day, and a week ago is known after a week', () => {
  const random = createRandom('season');
  const series = new SeasonalSeries(START);
  for (let minute = START; minute < START + 8 * DAY; minute += MINUTE)
    series.count(minute, random.poisson(usual(minute)));
  for (const hour of [0, 6, 12, 18]) {
    const minute = START + 8 * DAY + hour * 60 * MINUTE;
    series.advance(minute);
    expect(series.expectation.mean).toBeGreaterThan(0.85 * usual(minute));
    expect(series.expectation.mean).toBeLessThan(1.15 * usual(minute));
    expect(series.expectation.lastWeek?.least).toBeLessThanOrEqual(1.1 * usual(minute));
    expect(series.expectation.lastWeek?.most).toBeGreaterThanOrEqual(0.9 * usual(minute));
    for (let at = minute; at < minute + 6 * 60 * MINUTE; at += MINUTE)
      series.count(at, random.poisson(usual(at)));
  }
  expect(series.expectation.dispersion).toBeLessThan(1.5);
});

test('a flagged quarter hour stays out of what is expected later', () => {
  const flagged = new SeasonalSeries(START);
  const plain = new SeasonalSeries(START);
  for (let minute = START; minute < START + 1.5 * DAY + 30 * MINUTE; minute += MINUTE) {
    const isSpike = minute >= START + DAY / 2 && minute < START + DAY / 2 + 60 * MINUTE;
    for (const series of [flagged, plain]) series.count(minute, isSpike ? 500 : 5);
    if (isSpike) flagged.flag();
  }
  expect(flagged.expectation.mean).toBeLessThan(7);
  expect(plain.expectation.mean).toBeGreaterThan(100);
});

test('sums of the last minutes count silent ones as nothing, also across long silence', () => {
  const series = new SeasonalSeries(START);
  series.count(START, 7);
  series.count(START + 3 * MINUTE, 2);
  expect(series.recent(3)).toBe(2);
  expect(series.recent(4)).toBe(9);
  expect(series.recentWithout(1, 4)).toBe(2);
  series.advance(START + 3 * DAY);
  expect(series.recent(60)).toBe(0);
  expect(series.hour(0)).toBe(0);
});

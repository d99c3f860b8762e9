import { expect, test } from 'vitest';
import { evaluate } from './evaluate.ts';
import { createWorld } from './world.ts';

/** A fixed part of `npm run bench -- detection`. */
test.each([
  ['allowlist_entry_lost', 'breakage'],
  ['header_dropped', 'breakage'],
  ['new_tracing_header', 'breakage'],
  ['upstream_errors', 'breakage'],
  ['probing_burst', 'suspicious'],
  ['launch', 'legitimate_shift'],
  ['null_allowed', 'misconfiguration'],
  ['silence', 'telemetry_gap'],
])('%s is found and called %s', (family, expected) => {
  const world = createWorld({ seed: `fixed-${family}`, families: [family], warmUpDays: 2.5, volume: 12 });
  const { episodes, stray } = evaluate(world);
  const [found] = episodes;
  expect(found?.incidents.map((incident) => incident.class)).toEqual([expected]);
  if (found !== undefined && found.episode.subjects.length > 0) {
    expect(found.episode.subjects).toContainEqual(found.incidents[0]?.subject);
  }
  expect(stray).toEqual([]);
});

test.each(['developers', 'retry_storm', 'restarts'])('%s are noise', (family) => {
  const world = createWorld({ seed: `fixed-${family}`, families: [family], warmUpDays: 2, volume: 5 });
  expect(evaluate(world).incidents).toEqual([]);
});

test('the same seed makes the same traffic', () => {
  const rows = () => [...createWorld({ seed: 'same', families: [], warmUpDays: 0.1, volume: 3 }).minutes()];
  expect(rows()).toEqual(rows());
});

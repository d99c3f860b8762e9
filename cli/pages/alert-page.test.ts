import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { INCIDENT_EXAMPLES } from '../../test/support/incident-examples.ts';
import { anIncident, resolved } from '../../test/support/incidents.ts';
import { renderAlert } from './alert-page.ts';

const links = { runbooks: 'docs/runbooks' };
const incident = anIncident();
const now = incident.startedAt + 8 * 60_000;
const plainPage = { width: 100, color: false };

const page = (changed: typeof incident, options = plainPage): string =>
  renderAlert({ incident: changed, resolvedAt: changed.resolvedAt }, now, links, options);

test('the first lines say how urgent it is, what broke, where, and since when', () => {
  expect(page(incident).split('\n').slice(0, 3)).toEqual([
    'PAGE  critical breakage  incident a1b2c3d4e5f60718',
    'orders (production): browsers block calls from https://app.example that were allowed before, since',
    '2026-11-28 02:14 UTC (8 min ago)',
  ]);
  expect(page({ ...incident, page: false, class: 'telemetry_gap' })).toMatch(
    /^TICKET {2}critical telemetry gap/,
  );
});

test('the end of an alert is short, and says what ended it', () => {
  const mended = 'Since 2026-11-28T02:21:00.000Z the calls are allowed again by version 2.4.0';
  const { evidence } = incident;
  const shown = page(
    resolved({ ...incident, evidence: { ...evidence, for: [mended, ...evidence.for] } }, now),
  );
  expect(shown).toMatch(/^RESOLVED .*\n.* resolved 2026-11-28 02:22 UTC after 8 min: /);
  expect(shown).toContain('Since 2026-11-28 02:21 UTC the calls are allowed again by version 2.4.0.');
  expect(shown.split('\n').length).toBeLessThan(12);
});

test('text is wrapped to the width, but what is to be copied stays on one line', () => {
  const lines = page(incident, { ...plainPage, width: 80 }).split('\n');
  expect(lines).toContain('  Look: originscope report --service orders --since 2026-11-28T01:14:00Z');
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
});

test.each(Object.entries(INCIDENT_EXAMPLES))('%s: colours change nothing but colours', (_, each) => {
  const colored = page(each, { ...plainPage, color: true });
  expect(colored).not.toBe(page(each));
  expect(stripVTControlCharacters(colored)).toBe(page(each));
});

test('no text from requests reaches the terminal with a control character', () => {
  const hostile = '\u001b]0;owned\u0007\u009b2J\r\n\u202e';
  const { affected } = incident;
  const shown = page(
    anIncident({
      service: hostile,
      environment: hostile,
      subject: { kind: 'route', value: hostile },
      cause: hostile,
      change: hostile,
      evidence: { for: [hostile], against: [hostile] },
      affected: { ...affected, origins: [{ value: hostile, decisions: 1, share: 1, baselineShare: 0 }] },
    }),
  );
  expect(shown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

import { expect, test } from 'vitest';
import { anIncident } from '../../test/support/incidents.ts';
import { digestAt, firstRunDigest } from './first-run-digest.ts';

const DAY = 86_400_000;
const AT = Date.UTC(2026, 10, 28);

test('what is misconfigured already is one ticket, whatever the number of services', () => {
  const flaws = ['orders', 'search', 'search'].map((service, index) =>
    anIncident({ id: `${index}`, service, class: 'misconfiguration', page: true, decisions: 10 }),
  );
  const digest = firstRunDigest([anIncident(), ...flaws], AT);
  expect(digest).toMatchObject({
    class: 'misconfiguration',
    page: false,
    severity: 'warning',
    subject: { kind: 'service', value: '2 services' },
    detectedAt: AT,
    decisions: 30,
  });
  expect(digest?.evidence.for).toHaveLength(3);
  expect(digest?.evidence.for[0]).toMatch(/^orders \(production\): /);
  expect(firstRunDigest(flaws.toReversed(), AT)).toEqual(digest);
});

test('where nothing is misconfigured there is none', () => {
  expect(firstRunDigest([anIncident()], AT)).toBeUndefined();
});

test('it ends after a day', () => {
  const digest = firstRunDigest([anIncident({ class: 'misconfiguration' })], AT);
  if (digest === undefined) throw new Error('no digest');
  expect(digestAt(digest, AT + DAY - 60_000)?.state).toBe('firing');
  expect(digestAt(digest, AT + DAY)).toMatchObject({ state: 'resolved', resolvedAt: AT + DAY });
  expect(digestAt(digest, AT + DAY + 60_000)).toBeUndefined();
});

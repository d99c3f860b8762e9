import fc from 'fast-check';
import { expect, test } from 'vitest';
import { INCIDENT_CLASSES, SEVERITIES } from './incident.ts';
import { type PageFacts, parsePageRules, shouldPage } from './page-policy.ts';

const breakage: PageFacts = {
  class: 'breakage',
  severity: 'critical',
  service: 'orders',
  allowedBefore: true,
  browserEvidence: true,
  credentialsNewlyAllowed: false,
};

test('breakage pages when it was allowed before and browsers saw it, and else is a ticket', () => {
  expect(shouldPage(breakage)).toBe(true);
  expect(shouldPage({ ...breakage, allowedBefore: false })).toBe(false);
  expect(shouldPage({ ...breakage, browserEvidence: false })).toBe(false);
});

test('credentials newly allowed for an unrelated site page, whatever the class', () => {
  for (const incidentClass of INCIDENT_CLASSES) {
    const facts = { ...breakage, class: incidentClass, allowedBefore: false, browserEvidence: false };
    expect(shouldPage({ ...facts, credentialsNewlyAllowed: true })).toBe(true);
  }
});

test('without browser evidence nothing pages by default, so a program that forges Origin wakes nobody', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...INCIDENT_CLASSES),
      fc.constantFrom(...SEVERITIES),
      fc.boolean(),
      (incidentClass, severity, allowedBefore) =>
        !shouldPage({
          class: incidentClass,
          severity,
          service: 'orders',
          allowedBefore,
          browserEvidence: false,
          credentialsNewlyAllowed: false,
        }),
    ),
  );
});

test('the first rule that matches decides, by class, severity and service', () => {
  const rules = parsePageRules('suspicious:critical=page, breakage:*:orders=default, *=ticket');
  expect(shouldPage(breakage, rules)).toBe(true);
  expect(shouldPage({ ...breakage, browserEvidence: false }, rules)).toBe(false);
  expect(shouldPage({ ...breakage, service: 'payments' }, rules)).toBe(false);
  expect(shouldPage({ ...breakage, class: 'suspicious' }, rules)).toBe(true);
  expect(shouldPage({ ...breakage, class: 'suspicious', severity: 'info' }, rules)).toBe(false);
});

test('a service name may contain colons', () => {
  expect(parsePageRules('*:*:shop:orders=page')).toEqual([{ service: 'shop:orders', decision: 'page' }]);
});

test.each([
  ['', 'ends with "="'],
  ['breakage', 'ends with "="'],
  ['breakage=wake', 'page, ticket, default'],
  ['outage=page', 'breakage, suspicious'],
  ['*:urgent=page', 'critical, warning, info'],
  ['*=ticket,', 'ends with "="'],
])('the rule "%s" is an error that says what was expected', (text, expected) => {
  expect(() => parsePageRules(text)).toThrow(expected);
});

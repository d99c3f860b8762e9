import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { HEARTBEAT_RUNBOOK, runbookOf } from '../analyzer/alerting/runbooks.ts';
import { DETECTORS, MISCONFIGURATIONS } from '../analyzer/detectors/detection.ts';
import { INCIDENT_CLASSES } from '../analyzer/incidents/incident.ts';
import { renderAlert } from '../cli/pages/alert-page.ts';
import { anIncident } from './support/incidents.ts';

const DOCS = new URL('../docs/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, DOCS), 'utf8');
const pages = readdirSync(new URL('runbooks/', DOCS))
  .map((file) => file.replace(/\.md$/, ''))
  .filter((page) => page !== 'README');

/** The pages that alerts lead to. */
function linkedPages(): string[] {
  const [signal] = anIncident().signals;
  if (signal === undefined) throw new Error('the incident has no signal');
  return [
    ...INCIDENT_CLASSES.map((incidentClass) => runbookOf(anIncident({ class: incidentClass }))),
    ...MISCONFIGURATIONS.map((detector) =>
      runbookOf(anIncident({ class: 'misconfiguration', signals: [{ ...signal, detector }] })),
    ),
    HEARTBEAT_RUNBOOK,
  ];
}

test('every class and every misconfiguration has a page of its own, and no page is without one', () => {
  expect(pages.sort()).toEqual(linkedPages().sort());
  for (const page of pages) expect(read('runbooks/README.md')).toContain(`](${page}.md)`);
});

test('docs/detection.md names every detector', () => {
  for (const name of DETECTORS) expect(read('detection.md')).toContain(`\`${name}\``);
});

test.each(pages)('%s says what it means, how to confirm, what to change and when to ignore it', (page) => {
  const sections = read(`runbooks/${page}.md`).split(/^## /m).slice(1);
  expect(sections.map((section) => section.split('\n')[0])).toEqual([
    'What it means',
    'How to confirm',
    'What to change',
    'When to ignore',
  ]);
  for (const section of sections) expect(section.split('\n').slice(1).join('').length).toBeGreaterThan(40);
});

test('links of the pages lead somewhere', () => {
  for (const page of ['README', ...pages]) {
    for (const [, target = ''] of read(`runbooks/${page}.md`).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      expect(() => read(`runbooks/${target}`), `${page} → ${target}`).not.toThrow();
    }
  }
});

test('the example in docs/alerting.md is what a terminal shows', () => {
  const incident = anIncident();
  const shown = renderAlert(
    { incident, resolvedAt: undefined },
    incident.startedAt + 8 * 60_000,
    { runbooks: 'docs/runbooks' },
    { width: 100, color: false },
  );
  expect(read('alerting.md')).toContain(`\`\`\`text\n${shown}\`\`\``);
});

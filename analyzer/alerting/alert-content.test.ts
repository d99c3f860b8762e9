import { expect, test } from 'vitest';
import { INCIDENT_EXAMPLES } from '../../test/support/incident-examples.ts';
import { anIncident, resolved } from '../../test/support/incidents.ts';
import { alertContent, reportCommand } from './alert-content.ts';

const links = {
  runbooks: 'https://git.example/docs/runbooks/',
  dashboard: 'https://grafana.example/d/cors?var-service={service}&from={from}&to={to}',
};
const incident = anIncident();

const lineOf = (content: ReturnType<typeof alertContent>, label: string): string | undefined =>
  content.sections.flatMap(({ lines }) => lines).find((line) => line.label === label)?.text;

test.each(Object.entries(INCIDENT_EXAMPLES))(
  '%s: says where, since when, what was observed and expected, what to do, and why it thinks so',
  (_, each) => {
    const { summary, sections } = alertContent(each, links);
    expect(summary).toMatch(/^orders \(production\): .*2026-11-28 02:\d\d UTC/);
    expect(summary.length).toBeLessThan(170);
    const [happened, todo, ...rest] = sections;
    expect(happened?.title).toBe('What happened');
    expect(happened?.lines[0]?.text).toMatch(/Observed .*, expected /);
    expect(todo?.title).toBe('What to do');
    expect(rest.at(-1)?.title).toMatch(/^Why /);
    expect(rest.at(-1)?.lines.map(({ label }) => label)).toContain('For');
    for (const { lines } of sections) expect(lines).not.toEqual([]);
  },
);

test('what to change comes first, and a general first step only where the data show nothing', () => {
  const general = /Was this service.*deployed/;
  const todo = (changes: object): string =>
    alertContent(anIncident(changes), links)
      .sections[1]?.lines.map(({ text }) => text)
      .join('\n') ?? '';
  expect(todo({})).toMatch(
    /^version 2.4.1 does not name.*\nadd https:\/\/app.example to the allowed origins/,
  );
  expect(todo({})).not.toMatch(general);
  expect(todo({ cause: '', change: '' })).toMatch(general);
});

test('the links open the page of the finding, and the dashboard from an hour before the change', () => {
  const { startedAt } = incident;
  const content = alertContent(INCIDENT_EXAMPLES['null allowed'] ?? incident, links);
  expect(lineOf(content, 'Runbook')).toBe('https://git.example/docs/runbooks/null-allowed.md');
  expect(lineOf(content, 'Dashboard')).toBe(
    `https://grafana.example/d/cors?var-service=orders&from=${startedAt - 3_600_000}&to=now`,
  );
  const over = alertContent(resolved(incident, startedAt + 60_000), links);
  expect(lineOf(over, 'Dashboard')).toContain(`&to=${startedAt + 60_000 + 1_800_000}`);
});

test('a service name cannot break out of the dashboard link or the command', () => {
  const service = "a&from=0 #'; reboot; '";
  const content = alertContent(anIncident({ service }), links);
  expect(new URL(lineOf(content, 'Dashboard') ?? '').searchParams.get('var-service')).toBe(service);
  expect(lineOf(content, 'Look')).toContain(`--service 'a&from=0 #'\\''; reboot; '\\'''`);
  // What a terminal would not show as it is must not be copied from it.
  expect(reportCommand(anIncident({ service: 'a\u202eb' }))).toBeUndefined();
});

test('nothing is said twice: evidence and cause leave out what the signals say', () => {
  const sentence = incident.signals[0]?.sentence ?? '';
  const { sections } = alertContent(
    anIncident({ cause: sentence, evidence: { for: [sentence, 'A rollback ended it.'], against: [] } }),
    links,
  );
  const texts = sections.flatMap(({ lines }) => lines.map(({ text }) => text));
  expect(texts.filter((text) => text.startsWith(sentence))).toHaveLength(1);
  expect(texts).toContain('A rollback ended it.');
});

test('a flaw that somebody probed is named, and its page is linked', () => {
  const [signal] = INCIDENT_EXAMPLES['null allowed']?.signals ?? [];
  if (signal === undefined) throw new Error('the incident has no signal');
  const probed = anIncident({ class: 'suspicious', signals: [signal] });
  const content = alertContent(probed, links);
  expect(content.summary).toContain(
    'suspicious calls from https://app.example, and the CORS policy allows the origin null',
  );
  expect(lineOf(content, 'Runbook')).toContain('/null-allowed.md');
});

test('a reason is named by its title, and the name of a finding is not repeated', () => {
  const summaryOf = (changes: object): string => alertContent(anIncident(changes), links).summary;
  expect(summaryOf({ subject: { kind: 'reason', value: 'acao_missing' } })).toContain(
    'browsers block calls (no Access-Control-Allow-Origin) that were',
  );
  expect(
    summaryOf({ class: 'suspicious', subject: { kind: 'reason', value: 'origin_reflection' } }),
  ).toContain(': suspicious calls, since');
});

test('what is over says so first, and for how long it lasted', () => {
  const { summary } = alertContent(resolved(incident, incident.startedAt + 26 * 60_000), links);
  expect(summary).toMatch(
    /^orders \(production\): resolved 2026-11-28 02:40 UTC after 26 min: browsers block/,
  );
});

test('however much there is, the text stays short', () => {
  const many = Array.from({ length: 500 }, (_, index) => ({
    value: `https://${index}.${'x'.repeat(300)}.example`,
    decisions: 1,
    share: 0.002,
    baselineShare: 0,
  }));
  const sentences = many.map(({ value }) => value.repeat(10));
  const [signal] = incident.signals;
  if (signal === undefined) throw new Error('the incident has no signal');
  const { sections } = alertContent(
    anIncident({
      signals: Array.from({ length: 500 }, () => signal),
      evidence: { for: sentences, against: sentences },
      affected: { origins: many, routes: many, reasons: many, requestedHeaders: many, versions: many },
    }),
    links,
  );
  const texts = sections.flatMap(({ lines }) => lines.map(({ text }) => text));
  expect(texts.join('').length).toBeLessThan(10_000);
  expect(texts).toContain('and 497 more signals');
  expect(texts).toContainEqual(expect.stringMatching(/, 496 more$/));
});

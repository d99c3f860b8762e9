import fc from 'fast-check';
import { pino } from 'pino';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import {
  ALERTMANAGER_MISSING,
  findAlertmanager,
  quickConfiguration,
  type Receiver,
  type RunningAlertmanager,
  startAlertmanager,
  startReceiver,
} from '../../test/support/alertmanager.ts';
import { freePort } from '../../test/support/free-port.ts';
import { anIncident, resolved } from '../../test/support/incidents.ts';
import { until } from '../../test/support/until.ts';
import { INCIDENT_CLASSES, type Incident } from '../incidents/incident.ts';
import { type Alerting, type AlertingOptions, createAlerting } from './alerting.ts';

beforeEach(({ skip }) => {
  if (findAlertmanager() === undefined) skip(ALERTMANAGER_MISSING);
});

/** Long enough that no alert ends by itself within a test. */
const LONG_INTERVAL = 60_000;

function analyzer(urls: readonly string[], options: Partial<AlertingOptions> = {}): Alerting {
  const alerting = createAlerting({
    alertmanagers: urls.map((url) => ({ url })),
    log: pino({ level: 'silent' }),
    intervalMillis: LONG_INTERVAL,
    retryMillis: [20],
    ...options,
  });
  onTestFinished(() => alerting.close());
  return alerting;
}

/** A tick, until every receiver has taken its alerts. */
async function deliver(alerting: Alerting, incidents: readonly Incident[]): Promise<void> {
  alerting.deliver(incidents, Date.now());
  await alerting.idle();
}

interface Stack {
  readonly alertmanager: RunningAlertmanager;
  readonly page: Receiver;
  readonly ticket: Receiver;
  readonly heartbeat: Receiver;
}

async function startStack(): Promise<Stack> {
  const [page, ticket, heartbeat] = [await startReceiver(), await startReceiver(), await startReceiver()];
  const configuration = quickConfiguration({ page: page.url, ticket: ticket.url, heartbeat: heartbeat.url });
  return { alertmanager: await startAlertmanager(configuration), page, ticket, heartbeat };
}

interface ListedAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly status: { readonly state: string; readonly silencedBy: string[]; readonly inhibitedBy: string[] };
}

/** Alerts of incidents that Alertmanager knows, with the incident as key. */
async function listed({ alertmanager }: Stack): Promise<Record<string, ListedAlert['status']>> {
  const alerts = await alertmanager.get<ListedAlert[]>('/alerts?active=true&silenced=true&inhibited=true');
  return Object.fromEntries(
    alerts
      .filter(({ labels }) => labels.incident !== undefined)
      .map(({ labels, status }) => [labels.incident, status]),
  );
}

/** `incident status`, in the order in which people were told. */
function told({ notifications }: Receiver): string[] {
  return notifications().map(({ groupLabels, status }) => `${groupLabels.incident} ${status}`);
}

const page = anIncident({ id: 'aaaa' });
const ticket = anIncident({ id: 'bbbb', class: 'suspicious', severity: 'warning', page: false });

test('an incident is one notification, to those who are paged or to those with tickets, and one more at its end', async () => {
  const stack = await startStack();
  const alerting = analyzer([stack.alertmanager.url]);
  for (let tick = 0; tick < 5; tick++) await deliver(alerting, [page, ticket]);
  await until(() => told(stack.page).length > 0 && told(stack.ticket).length > 0);
  for (let tick = 0; tick < 5; tick++) await deliver(alerting, [page, ticket]);
  await deliver(alerting, [resolved(page, Date.now()), ticket]);
  await until(() => told(stack.page).length > 1);

  expect(told(stack.page)).toEqual(['aaaa firing', 'aaaa resolved']);
  expect(told(stack.ticket)).toEqual(['bbbb firing']);
  expect(stack.page.notifications()[0]?.alerts).toEqual([
    expect.objectContaining({
      labels: {
        alertname: 'OriginscopeBreakage',
        severity: 'critical',
        class: 'breakage',
        service: 'orders',
        environment: 'production',
        incident: 'aaaa',
        page: 'true',
      },
      annotations: expect.objectContaining({
        summary: expect.stringContaining('browsers block calls from https://app.example'),
        description: expect.stringContaining('add https://app.example to the allowed origins'),
        runbook_url: 'docs/runbooks/breakage.md',
      }),
    }),
  ]);
});

test('a new class and severity of an incident is told in its group, and the alert with the old labels ends', async () => {
  const stack = await startStack();
  const alerting = analyzer([stack.alertmanager.url]);
  const unclear = { ...ticket, class: 'unclassified', severity: 'info' } as const;
  await deliver(alerting, [unclear]);
  await until(() => told(stack.ticket).length > 0);
  await deliver(alerting, [ticket]);
  await until(() => told(stack.ticket).length > 1);
  const second = stack.ticket.notifications()[1];
  expect(second?.status).toBe('firing');
  expect(second?.alerts.map(({ status, labels }) => `${labels.class} ${status}`).sort()).toEqual([
    'suspicious firing',
    'unclassified resolved',
  ]);
});

test('an incident that somebody dismissed ends', async () => {
  const stack = await startStack();
  const alerting = analyzer([stack.alertmanager.url]);
  await deliver(alerting, [page, ticket]);
  await until(() => told(stack.ticket).length > 0);
  await deliver(alerting, [page]);
  await until(() => told(stack.ticket).length > 1);
  expect(told(stack.ticket)).toEqual(['bbbb firing', 'bbbb resolved']);
});

test('when the analyzer dies, its alerts and its heartbeat end by themselves', async () => {
  const stack = await startStack();
  const alerting = analyzer([stack.alertmanager.url], { intervalMillis: 500 });
  await deliver(alerting, [page]);
  await alerting.close();
  await until(() => told(stack.page).length > 1 && stack.heartbeat.notifications().length > 1);
  expect(told(stack.page)).toEqual(['aaaa firing', 'aaaa resolved']);
  expect(stack.heartbeat.notifications().map(({ status }) => status)).toEqual(['firing', 'resolved']);
});

test('while ticks fail, alerts go on and the heartbeat stops', async () => {
  const stack = await startStack();
  const alerting = analyzer([stack.alertmanager.url], { intervalMillis: 500 });
  await deliver(alerting, [page]);
  await until(() => stack.heartbeat.notifications().some(({ status }) => status === 'resolved'));
  expect(told(stack.page)).toEqual(['aaaa firing']);
  expect(await listed(stack)).toMatchObject({ aaaa: { state: 'active' } });
});

test('a silence holds notifications back', async () => {
  const stack = await startStack();
  await stack.alertmanager.post('/silences', {
    matchers: [{ name: 'service', value: 'orders', isRegex: false, isEqual: true }],
    startsAt: new Date().toISOString(),
    endsAt: new Date(Date.now() + 3_600_000).toISOString(),
    createdBy: 'on call',
    comment: 'known',
  });
  const other = { ...page, id: 'cccc', service: 'payments' };
  await deliver(analyzer([stack.alertmanager.url]), [page, other]);
  await until(() => told(stack.page).length > 0);
  await until(async () => (await listed(stack)).aaaa?.state === 'suppressed');
  expect((await listed(stack)).aaaa?.silencedBy).toHaveLength(1);
  expect(told(stack.page)).toEqual(['cccc firing']);
});

test.each([
  ['a telemetry gap', { class: 'telemetry_gap', severity: 'warning' }],
  ['a critical incident', { class: 'breakage', severity: 'critical' }],
] as const)(
  '%s of a service inhibits what is merely informative there, and nothing else',
  async (_, changes) => {
    const stack = await startStack();
    const cause = anIncident({ id: 'cause', page: false, ...changes });
    const info = { ...ticket, severity: 'info' } as const;
    const elsewhere = { ...info, id: 'elsewhere', environment: 'staging' };
    const warning = { ...ticket, id: 'warning' };
    const alerting = analyzer([stack.alertmanager.url]);
    await deliver(alerting, [cause]);
    await deliver(alerting, [cause, info, elsewhere, warning]);
    await until(() => told(stack.ticket).length >= 3);
    expect(told(stack.ticket).sort()).toEqual(['cause firing', 'elsewhere firing', 'warning firing']);
    expect(await listed(stack)).toMatchObject({ bbbb: { state: 'suppressed', silencedBy: [] } });
  },
);

test('two analyzers are one alert, which goes on when one of them dies', async () => {
  const stack = await startStack();
  const options = { intervalMillis: 500 };
  const [first, second] = [
    analyzer([stack.alertmanager.url], options),
    analyzer([stack.alertmanager.url], options),
  ];
  await Promise.all([deliver(first, [page]), deliver(second, [page])]);
  await until(() => told(stack.page).length > 0);
  await first.close();
  const died = Date.now();
  await until(async () => {
    await deliver(second, [page]);
    // Longer than the alerts of the first one live.
    return Date.now() - died > 5 * options.intervalMillis;
  }, 50);
  expect(Object.keys(await listed(stack))).toEqual(['aaaa']);
  await deliver(second, [resolved(page, Date.now())]);
  await until(() => told(stack.page).length > 1);
  expect(told(stack.page)).toEqual(['aaaa firing', 'aaaa resolved']);
});

test('an Alertmanager that is away gets the alerts when it is back, and another one at once', async () => {
  const [receiver, otherReceiver] = [await startReceiver(), await startReceiver()];
  const configuration = quickConfiguration({ page: receiver.url });
  const port = await freePort();
  const other = await startAlertmanager(quickConfiguration({ page: otherReceiver.url }));
  const alerting = analyzer([`http://127.0.0.1:${port}`, other.url]);
  const [away, present] = alerting.deliveries;

  const delivered = deliver(alerting, [page]);
  await until(() => told(otherReceiver).length > 0);
  await until(() => (away?.counters.failed ?? 0) > 0);
  expect(alerting.troubles()).toEqual([expect.stringContaining(`http://127.0.0.1:${port}`)]);
  expect(present?.counters).toEqual({ sent: 2, failed: 0 });

  const alertmanager = await startAlertmanager(configuration, { port });
  await delivered;
  await until(() => told(receiver).length > 0);
  expect(alerting.troubles()).toEqual([]);

  // It forgets all of it; the next delivery brings everything back.
  await alertmanager.kill();
  await startAlertmanager(configuration, { port });
  await deliver(alerting, [page]);
  await until(() => told(receiver).length > 1);
  expect(told(receiver)).toEqual(['aaaa firing', 'aaaa firing']);
  expect(told(otherReceiver)).toEqual(['aaaa firing']);
});

test('origins, services and routes made to break labels, templates or terminals arrive as harmless text', async () => {
  const stack = await startStack();
  const hostile = '\u001b[2J{{ .Labels }}"}\n<!channel> <https://evil.example|help>\u202e @here \ud800';
  const alerting = analyzer([stack.alertmanager.url]);
  const incident = anIncident({
    id: 'dddd',
    service: `${hostile}${'x'.repeat(100_000)}`,
    environment: hostile,
    subject: { kind: 'origin', value: hostile },
    cause: hostile,
    change: hostile,
    evidence: { for: [hostile], against: [hostile] },
    affected: {
      ...page.affected,
      routes: [{ value: hostile, decisions: 1, share: 1, baselineShare: 0 }],
    },
  });
  await deliver(alerting, [page, incident]);
  await until(() => told(stack.page).length > 1);
  expect(alerting.deliveries[0]?.counters).toEqual({ sent: 3, failed: 0 });
  const [alert] = stack.page
    .notifications()
    .flatMap(({ alerts }) => alerts)
    .filter(({ labels }) => labels.incident === 'dddd');
  const texts = [...Object.values(alert?.labels ?? {}), ...Object.values(alert?.annotations ?? {})];
  expect(texts.length).toBeGreaterThan(9);
  for (const text of texts) {
    // Only the description has several lines.
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]|\{\{|<!|<http|@here/u);
    expect(text.length).toBeLessThanOrEqual(6_000);
  }
});

test('Alertmanager takes whatever text the data hold', async () => {
  const alertmanager = await startAlertmanager(quickConfiguration({}));
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.constantFrom('', '\ud800', '\u0000'),
  );
  const incidents = fc
    .sample(fc.tuple(text, text, text, fc.constantFrom(...INCIDENT_CLASSES)), { numRuns: 150, seed: 13 })
    .map(([service, environment, value, incidentClass], index) =>
      anIncident({
        id: String(index),
        service,
        environment,
        class: incidentClass,
        subject: { kind: 'origin', value },
        cause: value,
        signals: [],
        evidence: { for: [value], against: [service] },
      }),
    );
  const alerting = analyzer([alertmanager.url]);
  await deliver(alerting, incidents);
  expect(alerting.deliveries[0]?.counters).toEqual({ sent: 151, failed: 0 });
  expect(await alertmanager.get('/alerts')).toHaveLength(151);
});

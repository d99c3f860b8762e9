import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect, onTestFinished, test } from 'vitest';
import { type Receiver, startReceiver } from '../../test/support/alertmanager.ts';
import { freePort } from '../../test/support/free-port.ts';
import { anIncident, resolved } from '../../test/support/incidents.ts';
import { until } from '../../test/support/until.ts';
import { type Alerting, type AlertingOptions, createAlerting } from './alerting.ts';
import { alertingMetrics } from './alerting-metrics.ts';
import type { AlertmanagerAlert } from './alertmanager-alert.ts';

const MINUTE = 60_000;
const incident = anIncident();
const NOW = incident.startedAt + 2 * MINUTE;

function alertingTo(options: Partial<AlertingOptions>): Alerting {
  const alerting = createAlerting({
    alertmanagers: [],
    log: pino({ level: 'silent' }),
    retryMillis: [1],
    now: () => NOW,
    ...options,
  });
  onTestFinished(() => alerting.close());
  return alerting;
}

const sentAlerts = (receiver: Receiver): (string | number | undefined)[][][] =>
  receiver.requests.map(({ body }) =>
    (JSON.parse(body) as AlertmanagerAlert[]).map(({ labels, startsAt, endsAt }) => [
      labels.alertname,
      Date.parse(startsAt) - NOW,
      Date.parse(endsAt) - NOW,
    ]),
  );

test('every minute all alerts are sent again with the heartbeat, each valid for four minutes', async () => {
  const receiver = await startReceiver();
  const alerting = alertingTo({ alertmanagers: [{ url: receiver.url }] });
  for (const at of [NOW, NOW + MINUTE]) {
    alerting.deliver([incident], at);
    await alerting.idle();
  }
  expect(sentAlerts(receiver)).toEqual([
    [
      ['OriginscopeBreakage', -2 * MINUTE, 4 * MINUTE],
      ['OriginscopeHeartbeat', 0, 4 * MINUTE],
    ],
    [
      ['OriginscopeBreakage', -2 * MINUTE, 5 * MINUTE],
      ['OriginscopeHeartbeat', 0, 5 * MINUTE],
    ],
  ]);
});

test('when no tick comes, alerts are repeated without the heartbeat, until alerting is closed', async () => {
  const receiver = await startReceiver();
  const alerting = alertingTo({ alertmanagers: [{ url: receiver.url }], intervalMillis: 10 });
  alerting.deliver([incident], NOW);
  await until(() => receiver.requests.length > 2);
  await alerting.close();
  const sent = sentAlerts(receiver);
  expect(sent[0]).toHaveLength(2);
  for (const repeated of sent.slice(1)) expect(repeated).toEqual([['OriginscopeBreakage', -2 * MINUTE, 40]]);
  alerting.deliver([incident], NOW);
  await alerting.idle();
  expect(receiver.requests).toHaveLength(sent.length);
});

test('a clock behind the data makes no alert that Alertmanager rejects', async () => {
  const receiver = await startReceiver();
  const alerting = alertingTo({ alertmanagers: [{ url: receiver.url }] });
  const late = resolved(anIncident({ id: 'b' }), incident.startedAt);
  alerting.deliver([incident, late], incident.startedAt - 60 * MINUTE);
  await alerting.idle();
  for (const { startsAt, endsAt } of JSON.parse(receiver.requests[0]?.body ?? '') as AlertmanagerAlert[]) {
    expect(Date.parse(startsAt)).toBeLessThan(Date.parse(endsAt));
  }
});

test('the webhook and the listener are told of changes only', async () => {
  const receiver = await startReceiver();
  const told: string[] = [];
  const alerting = alertingTo({
    webhook: { url: receiver.url, secret: 'a secret of some length' },
    onChange: ({ incident: { class: incidentClass }, resolvedAt }) =>
      told.push(`${incidentClass} ${resolvedAt === undefined ? 'firing' : 'resolved'}`),
  });
  const reclassified = { ...incident, class: 'unclassified' } as const;
  const ticks = [[incident], [incident], [reclassified], [resolved(reclassified, NOW)], []];
  for (const [tick, incidents] of ticks.entries()) alerting.deliver(incidents, NOW + tick * MINUTE);
  await alerting.idle();
  expect(told).toEqual(['breakage firing', 'unclassified firing', 'unclassified resolved']);
  expect(receiver.notifications().map(({ status }) => status)).toEqual(['firing', 'firing', 'resolved']);
});

test('a listener that throws keeps no alert from the others', async () => {
  const receiver = await startReceiver();
  const alerting = alertingTo({
    alertmanagers: [{ url: receiver.url }],
    onChange: () => {
      throw new Error('the terminal is gone');
    },
  });
  alerting.deliver([incident, anIncident({ id: 'b' })], NOW);
  await alerting.idle();
  expect(sentAlerts(receiver)[0]).toHaveLength(3);
});

test('metrics tell by receiver what was sent and what failed, and how many fail now', async () => {
  const receiver = await startReceiver();
  const away = `http://127.0.0.1:${await freePort()}`;
  const alerting = alertingTo({ alertmanagers: [{ url: receiver.url }, { url: away }] });
  const registry = new Registry();
  alertingMetrics(registry, alerting);
  alerting.deliver([incident], NOW);
  await until(() => alerting.troubles().length > 0 && alerting.deliveries[0]?.counters.sent === 2);
  const metrics = await registry.metrics();
  await alerting.close();
  expect(metrics).toContain(`originscope_alerts_sent_total{receiver="${receiver.url}"} 2`);
  expect(metrics).toMatch(new RegExp(`originscope_alerts_failed_total{receiver="${away}"} [1-9]`));
  expect(metrics).toContain('originscope_alert_receivers_failing 1');
});

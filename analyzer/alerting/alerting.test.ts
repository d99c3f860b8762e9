import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect, onTestFinished, test } from 'vitest';
import { startReceiver } from '../../test/support/alertmanager.ts';
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

test('every minute all alerts are sent again with the heartbeat, each valid for four minutes', async () => {
  const receiver = await startReceiver();
  const alerting = alertingTo({ alertmanagers: [{ url: receiver.url }] });
  await alerting.deliver([incident], NOW);
  await alerting.deliver([incident], NOW + MINUTE);
  await alerting.resend(NOW + 2 * MINUTE);
  const sent = receiver.requests.map(({ body }) =>
    (JSON.parse(body) as AlertmanagerAlert[]).map(({ labels, startsAt, endsAt }) => [
      labels.alertname,
      Date.parse(startsAt) - NOW,
      Date.parse(endsAt) - NOW,
    ]),
  );
  expect(sent).toEqual([
    [
      ['OriginscopeBreakage', -2 * MINUTE, 4 * MINUTE],
      ['OriginscopeHeartbeat', 0, 4 * MINUTE],
    ],
    [
      ['OriginscopeBreakage', -2 * MINUTE, 5 * MINUTE],
      ['OriginscopeHeartbeat', 0, 5 * MINUTE],
    ],
    [['OriginscopeBreakage', -2 * MINUTE, 6 * MINUTE]],
  ]);
});

test('a clock behind the data makes no alert that Alertmanager refuses', async () => {
  const receiver = await startReceiver();
  const alerting = alertingTo({ alertmanagers: [{ url: receiver.url }] });
  const late = resolved(anIncident({ id: 'b' }), incident.startedAt);
  await alerting.deliver([incident, late], incident.startedAt - 60 * MINUTE);
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
  for (const [tick, incidents] of ticks.entries()) await alerting.deliver(incidents, NOW + tick * MINUTE);
  await until(() => receiver.requests.length === 3);
  expect(told).toEqual(['breakage firing', 'unclassified firing', 'unclassified resolved']);
  expect(receiver.notifications().map(({ status }) => status)).toEqual(['firing', 'firing', 'resolved']);
});

test('metrics tell by receiver what was sent and what failed, and how many fail now', async () => {
  const receiver = await startReceiver();
  const away = `http://127.0.0.1:${await freePort()}`;
  const alerting = alertingTo({ alertmanagers: [{ url: receiver.url }, { url: away }] });
  const registry = new Registry();
  alertingMetrics(registry, alerting);
  const delivered = alerting.deliver([incident], NOW);
  await until(() => alerting.troubles().length > 0 && alerting.deliveries[0]?.counters.sent === 2);
  const metrics = await registry.metrics();
  await alerting.close();
  await delivered;
  expect(metrics).toContain(`originscope_alerts_sent_total{receiver="${receiver.url}"} 2`);
  expect(metrics).toMatch(new RegExp(`originscope_alerts_failed_total{receiver="${away}"} [1-9]`));
  expect(metrics).toContain('originscope_alert_receivers_failing 1');
});

import type { Registry } from 'prom-client';
import { counter, counters, gauge } from '../../server/readings.ts';
import type { Alerting } from './alerting.ts';
import type { DeliveryCounters } from './alertmanager-client.ts';

/** Adds what became of the alerts, by receiver. */
export function alertingMetrics(registry: Registry, { deliveries, webhookCounters }: Alerting): void {
  const byReceiver = (count: keyof DeliveryCounters) => () => {
    const sums: Record<string, number> = {};
    for (const { name, counters } of deliveries) sums[name] = (sums[name] ?? 0) + counters[count];
    return sums;
  };
  counters(
    registry,
    'originscope_alerts_sent_total',
    'Alerts that a receiver took, those repeated every minute included',
    'receiver',
    byReceiver('sent'),
  );
  counters(
    registry,
    'originscope_alerts_failed_total',
    'Alerts in attempts that failed; they are sent again',
    'receiver',
    byReceiver('failed'),
  );
  counter(
    registry,
    'originscope_webhook_notifications_dropped_total',
    'Notifications that the webhook rejected, or that waited too long',
    () => webhookCounters?.dropped ?? 0,
  );
  gauge(
    registry,
    'originscope_alert_receivers_failing',
    'Receivers that take no alerts at present',
    () => deliveries.filter((delivery) => delivery.isFailing()).length,
  );
}

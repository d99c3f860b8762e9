import type { Logger } from 'pino';
import type { Incident } from '../incidents/incident.ts';
import { type AlertLinks, DEFAULT_LINKS } from './alert-links.ts';
import { type Alert, createAlertTracker } from './alert-tracker.ts';
import { alertmanagerAlert, heartbeatAlert } from './alertmanager-alert.ts';
import { type AlertDelivery, createAlertmanagerClient } from './alertmanager-client.ts';
import { createWebhook, type WebhookCounters } from './webhook.ts';

export interface AlertingOptions {
  /** Every one of them gets every alert; those of a cluster, too. */
  readonly alertmanagers: readonly { readonly url: string; readonly authorization?: string | undefined }[];
  readonly webhook?: { readonly url: string; readonly secret: string } | undefined;
  readonly links?: AlertLinks | undefined;
  /** Called once for each alert that is new, changed its class, severity or page, or is over. What it throws is logged. */
  readonly onChange?: ((alert: Alert) => void) | undefined;
  readonly log: Logger;
  /** How often `deliver` is called. An alert that is not repeated for four of these ends by itself. */
  readonly intervalMillis?: number;
  /** For each attempt. */
  readonly timeoutMillis?: number;
  /** Between attempts; the last one goes on. */
  readonly retryMillis?: readonly number[];
  /** Epoch milliseconds; for signatures, the log, and alerts that are repeated without a tick. */
  readonly now?: () => number;
}

export interface Alerting {
  /**
   * Delivers the state after a tick, in the background: receivers that are away are tried again until the next call.
   * When no call comes, because ticks fail, alerts are repeated all the same: they do not end because the analyzer
   * cannot see. The heartbeat is not, so that this is noticed when it lasts.
   *
   * @param incidents all that are not resolved; those that were resolved since the last call, or lately
   * @param now epoch milliseconds of the wall clock, not of the tick: Alertmanager compares it with its own
   */
  deliver(incidents: readonly Incident[], now: number): void;
  /** Resolves when every receiver has taken or rejected what was delivered last. */
  idle(): Promise<void>;
  /** The receivers, for metrics. */
  readonly deliveries: readonly AlertDelivery[];
  /** Of the webhook; undefined without one. */
  readonly webhookCounters: Readonly<WebhookCounters> | undefined;
  /** Receivers that take nothing at present, in sentences. */
  troubles(): string[];
  /** Gives up what waits. Alerts end by themselves, unless another analyzer repeats them. */
  close(): Promise<void>;
}

const INTERVAL_MILLIS = 60_000;
const TIMEOUT_MILLIS = 10_000;
const RETRY_MILLIS = [1_000, 2_000, 5_000, 15_000] as const;
/** Intervals after which an alert that is not repeated ends; as Prometheus does. */
const VALID_INTERVALS = 4;
/** Intervals without a tick after which alerts are repeated without one. */
const LATE_INTERVALS = 1.5;

/** Takes incidents to people: to Alertmanager, to a webhook, and to whoever listens. */
export function createAlerting(options: AlertingOptions): Alerting {
  const { links = DEFAULT_LINKS, onChange, log, now = Date.now, intervalMillis = INTERVAL_MILLIS } = options;
  const { timeoutMillis = TIMEOUT_MILLIS, retryMillis = RETRY_MILLIS } = options;
  const attempts = { log, timeoutMillis, retryMillis };
  const tracker = createAlertTracker();
  const clients = options.alertmanagers.map((location) =>
    createAlertmanagerClient({ ...location, ...attempts }),
  );
  const webhook = options.webhook && createWebhook({ ...options.webhook, ...attempts, now });
  const deliveries: AlertDelivery[] = webhook === undefined ? clients : [...clients, webhook];
  let firstDelivery: number | undefined;
  let repetition: NodeJS.Timeout | undefined;
  let isClosed = false;

  function notify(change: Alert): void {
    try {
      onChange?.(change);
    } catch (error) {
      log.error({ err: error }, 'an alert could not be shown');
    }
  }

  function send(alerts: readonly Alert[], at: number, hasHeartbeat: boolean): void {
    if (isClosed) return;
    const firingUntil = at + VALID_INTERVALS * intervalMillis;
    const all = alerts.map((alert) => alertmanagerAlert(alert, firingUntil, links));
    if (hasHeartbeat) all.push(heartbeatAlert(firstDelivery ?? at, firingUntil, links));
    for (const client of clients) void client.send(all);
    clearTimeout(repetition);
    repetition = setTimeout(() => send(tracker.current(), now(), false), LATE_INTERVALS * intervalMillis);
    repetition.unref();
  }

  return {
    deliveries,
    webhookCounters: webhook?.counters,
    deliver(incidents, at) {
      firstDelivery ??= at;
      const { alerts, changes } = tracker.update(incidents, at);
      for (const change of changes) {
        webhook?.send({
          status: change.resolvedAt === undefined ? 'firing' : 'resolved',
          alert: alertmanagerAlert(change, at, links),
        });
        notify(change);
      }
      send(alerts, at, true);
    },
    async idle() {
      await Promise.all(deliveries.map((delivery) => delivery.idle()));
    },
    troubles: () =>
      deliveries
        .filter((delivery) => delivery.isFailing())
        .map(({ name }) => `Alerts do not reach ${name}: the log says why.`),
    async close() {
      isClosed = true;
      clearTimeout(repetition);
      await Promise.all(deliveries.map((delivery) => delivery.close()));
    },
  };
}

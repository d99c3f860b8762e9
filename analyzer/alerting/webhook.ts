import { createHmac } from 'node:crypto';
import type { Logger } from 'pino';
import { createRetrier } from '../../core/outage-retrier.ts';
import type { AlertmanagerAlert } from './alertmanager-alert.ts';
import type { AlertDelivery, DeliveryCounters } from './alertmanager-client.ts';
import { postJson, shown } from './post-json.ts';

export interface WebhookOptions {
  readonly url: string;
  /** `whsec_` and the key in Base64, else the key as text. */
  readonly secret: string;
  readonly log: Logger;
  readonly now: () => number;
  readonly timeoutMillis: number;
  readonly retryMillis: readonly number[];
  /** Notifications that wait while the receiver is away. */
  readonly limit?: number;
}

export interface WebhookCounters extends DeliveryCounters {
  /** Notifications given up: the receiver rejected them, or too many waited. */
  dropped: number;
}

/** One change of one alert. */
export interface Notification {
  readonly status: 'firing' | 'resolved';
  readonly alert: AlertmanagerAlert;
}

export interface Webhook extends AlertDelivery {
  readonly counters: Readonly<WebhookCounters>;
  /** Sends it after those before it; tries again until the receiver takes it. */
  send(notification: Notification): void;
}

const LIMIT = 1_000;

/**
 * Posts changes to any HTTP endpoint, in the shape of Alertmanager's own webhook, signed as Standard Webhooks
 * describes (https://www.standardwebhooks.com).
 */
export function createWebhook(options: WebhookOptions): Webhook {
  const { url, log, now, timeoutMillis, retryMillis, limit = LIMIT } = options;
  const key = keyOf(options.secret);
  const name = shown(url);
  const counters: WebhookCounters = { sent: 0, failed: 0, dropped: 0 };
  const waiting: Notification[] = [];
  const closing = new AbortController();
  const retrier = createRetrier({
    messages: { failing: `webhook ${name} fails; retrying`, recovered: `webhook ${name} works again` },
    log,
    now,
    delaysMillis: retryMillis,
  });
  let working: Promise<void> | undefined;

  async function attempt(id: string, body: string): Promise<void> {
    const timestamp = Math.floor(now() / 1_000);
    try {
      await postJson(url, body, { timeoutMillis, headers: signatureHeaders(key, id, timestamp, body) });
      counters.sent++;
    } catch (error) {
      counters.failed++;
      throw error;
    }
  }

  async function work(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const id = notificationId(next);
      const body = JSON.stringify(webhookBody(next));
      try {
        await retrier.run(() => attempt(id, body), closing.signal);
      } catch (error) {
        if (closing.signal.aborted) return;
        counters.dropped++;
        log.error({ err: error }, `webhook ${name} rejects a notification; it is dropped`);
      }
    }
  }

  return {
    name,
    counters,
    isFailing: () => retrier.isFailing(),
    idle: () => working ?? Promise.resolve(),
    send(notification) {
      if (waiting.length >= limit) {
        waiting.shift();
        counters.dropped++;
      }
      waiting.push(notification);
      working ??= work().finally(() => {
        working = undefined;
      });
    },
    async close() {
      closing.abort(new Error('the analyzer stops'));
      await working;
    },
  };
}

/** The same for repeated deliveries and for replicas, so that a receiver can drop what it has. Without full stops. */
function notificationId({ status, alert: { labels } }: Notification): string {
  const parts = status === 'resolved' ? [] : [labels.class, labels.severity, labels.page];
  return [labels.incident, status, ...parts].join('-');
}

/** https://prometheus.io/docs/alerting/latest/configuration/#webhook_config */
function webhookBody({ status, alert }: Notification): Readonly<Record<string, unknown>> {
  const { labels, annotations } = alert;
  const { incident = '' } = labels;
  return {
    version: '4',
    groupKey: `originscope:{incident="${incident}"}`,
    truncatedAlerts: 0,
    status,
    receiver: 'originscope',
    groupLabels: { incident },
    commonLabels: labels,
    commonAnnotations: annotations,
    externalURL: annotations.dashboard_url ?? '',
    alerts: [
      {
        ...alert,
        status,
        endsAt: status === 'firing' ? NO_TIME : alert.endsAt,
        generatorURL: annotations.dashboard_url ?? '',
        fingerprint: incident,
      },
    ],
  };
}

/** How Go writes a time that is not set. */
const NO_TIME = '0001-01-01T00:00:00Z';

export function signatureHeaders(
  key: Buffer,
  id: string,
  timestamp: number,
  body: string,
): Readonly<Record<string, string>> {
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${signature}`,
  };
}

const PREFIX = 'whsec_';

function keyOf(secret: string): Buffer {
  return secret.startsWith(PREFIX)
    ? Buffer.from(secret.slice(PREFIX.length), 'base64')
    : Buffer.from(secret, 'utf8');
}

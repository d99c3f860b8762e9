import type { Logger } from 'pino';
import { createRetrier } from '../../core/outage-retrier.ts';
import type { AlertmanagerAlert } from './alertmanager-alert.ts';
import { postJson, shown } from './post-json.ts';

export interface AlertmanagerOptions {
  /** Base URL, with the path prefix if it has one: `http://127.0.0.1:9093`. */
  readonly url: string;
  /** Value of the Authorization header, if it asks for one: `Bearer …`, `Basic …`. */
  readonly authorization?: string | undefined;
  readonly log: Logger;
  readonly timeoutMillis: number;
  /** Between attempts; the last one goes on. */
  readonly retryMillis: readonly number[];
}

/** Counters of one receiver. */
export interface DeliveryCounters {
  /** Alerts that it took. */
  sent: number;
  /** Alerts in attempts that failed; most are sent again. */
  failed: number;
}

/** A receiver of alerts as far as monitoring is concerned. */
export interface AlertDelivery {
  /** Scheme, host and port. */
  readonly name: string;
  readonly counters: Readonly<DeliveryCounters>;
  /** Whether it takes no alerts at present. */
  isFailing(): boolean;
  /** Resolves when nothing waits to be taken. */
  idle(): Promise<void>;
  /** Ends the waiting between attempts, and waits for the attempt that is under way. */
  close(): Promise<void>;
}

export interface AlertmanagerClient extends AlertDelivery {
  /**
   * Sends all current alerts. What failed is tried again until it succeeds or newer alerts replace these: they are
   * the whole state, so nothing is lost by that. Never rejects.
   */
  send(alerts: readonly AlertmanagerAlert[]): Promise<void>;
}

/** Alerts in a request; Prometheus sends as many. */
const BATCH_SIZE = 64;

export function createAlertmanagerClient(options: AlertmanagerOptions): AlertmanagerClient {
  const { url, authorization, log, timeoutMillis, retryMillis } = options;
  const endpoint = `${url.replace(/\/+$/, '')}/api/v2/alerts`;
  const name = shown(url);
  const counters: DeliveryCounters = { sent: 0, failed: 0 };
  const retrier = createRetrier({
    messages: {
      failing: `${name} does not accept alerts; retrying`,
      recovered: `${name} accepts alerts again`,
    },
    log,
    now: Date.now,
    delaysMillis: retryMillis,
  });
  let rejects = false;
  let replaced = new AbortController();
  let queue: Promise<void> = Promise.resolve();

  async function post(batch: readonly AlertmanagerAlert[]): Promise<void> {
    try {
      await postJson(endpoint, JSON.stringify(batch), {
        timeoutMillis,
        headers: authorization === undefined ? {} : { authorization },
      });
      counters.sent += batch.length;
    } catch (error) {
      counters.failed += batch.length;
      throw error;
    }
  }

  async function sendAll(alerts: readonly AlertmanagerAlert[], signal: AbortSignal): Promise<void> {
    rejects = false;
    for (let start = 0; start < alerts.length; start += BATCH_SIZE) {
      const batch = alerts.slice(start, start + BATCH_SIZE);
      try {
        await retrier.run(() => post(batch), signal);
      } catch (error) {
        if (signal.aborted) return;
        // It keeps the valid alerts of a batch that it rejects, and takes other batches.
        rejects = true;
        log.error({ err: error }, `${name} rejects alerts`);
      }
    }
  }

  return {
    name,
    counters,
    idle: () => queue,
    isFailing: () => rejects || retrier.isFailing(),
    send(alerts) {
      replaced.abort();
      replaced = new AbortController();
      const { signal } = replaced;
      // One after another: an older request that arrives late would overwrite a newer one.
      queue = queue.then(() => sendAll(alerts, signal));
      return queue;
    },
    close() {
      replaced.abort();
      return queue;
    },
  };
}

import type { Logger } from 'pino';
import { keptSince, type Retention } from '../../../clickhouse/retention.ts';
import { hasCode } from '../../../core/errors.ts';
import { createRetrier } from '../../../core/outage-retrier.ts';
import type { Writer } from '../../ingest/writer.ts';
import { acceptedWindow, type Decoded, type Rejection } from '../../otlp/decoding-result.ts';
import type { DerivationRules } from '../../otlp/derived-span-of.ts';
import type { Delivered } from '../client/delivered.ts';
import { decodeMessage } from '../client/message.ts';
import { type UnreadableBatch, unreadableBatchOf } from '../client/unreadable-batch.ts';
import { type DeadLetters, receivedAt } from '../dead-letters/dead-letters.ts';
import type { LetterReason } from '../dead-letters/letter-reason.ts';
import type { ConsumerCounters } from './consumer-counters.ts';

export interface IntakeOptions {
  readonly writer: Pick<Writer, 'write'>;
  readonly deadLetters: Pick<DeadLetters, 'publish'>;
  readonly rules: DerivationRules;
  readonly retention: Retention;
  readonly counters: ConsumerCounters;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Delays between retries of a failed write; the last one repeats. */
  readonly waitMillis?: readonly number[] | undefined;
}

export interface Intake {
  /** Resolves once the message is durably stored, as rows or as a dead letter. See BatchHandlerOptions. */
  take(delivered: Delivered, signal: AbortSignal): Promise<void>;
  /** Whether writes to ClickHouse or to the dead-letter topic fail at present. */
  isWaiting(): boolean;
}

const LOG_INTERVAL_MILLIS = 60_000;

/** Decodes messages and stores their spans as rows. */
export function createIntake(options: IntakeOptions): Intake {
  const { writer, deadLetters, rules, retention, counters, log, now, waitMillis } = options;
  const retrierFor = (failing: string, recovered: string) =>
    createRetrier({
      messages: { failing, recovered },
      log,
      now,
      onFailing: () => counters.pauses++,
      delaysMillis: waitMillis,
    });
  let suppressed = 0;
  let loggedAt = Number.NEGATIVE_INFINITY;
  const rows = retrierFor(
    'ClickHouse does not accept rows: messages in flight wait, the rest stays in Kafka',
    'ClickHouse accepts rows again',
  );
  const letters = retrierFor(
    'the dead-letter topic does not accept messages: messages in flight wait',
    'the dead-letter topic accepts messages again',
  );

  async function publishDeadLetter(
    delivered: Delivered,
    reason: LetterReason,
    error: unknown,
    signal: AbortSignal,
  ): Promise<void> {
    await letters.run(() => deadLetters.publish(delivered, { reason, error }, signal), signal);
    counters.deadLetters[reason]++;
  }

  async function take(delivered: Delivered, signal: AbortSignal): Promise<void> {
    const unreadable = unreadableBatchOf(delivered.message);
    if (unreadable === undefined) await takeMessage(delivered, signal);
    else {
      await publishDeadLetter(delivered, unreadable.reason, unreadable.error, signal);
      logUnreadable(delivered, unreadable);
    }
    counters.messages++;
    counters.bytes += unreadable?.bytes.length ?? delivered.message.value?.length ?? 0;
  }

  async function takeMessage(delivered: Delivered, signal: AbortSignal): Promise<void> {
    const { message } = delivered;
    const received = receivedAt(message, now());
    const { earliest, latest } = acceptedWindow(received);
    const window = { earliest: Math.max(earliest, keptSince(retention, now())), latest };
    const decoded = attempt(() => decodeMessage(message, window, rules));
    if ('error' in decoded) {
      await publishDeadLetter(delivered, 'OTLP_MALFORMED', decoded.error, signal);
    } else {
      try {
        await rows.run(() => writer.write(decoded.spans, received, signal), signal);
        countSpans(decoded);
      } catch (error) {
        if (!hasCode(error, 'ROW_REFUSED')) throw error;
        await publishDeadLetter(delivered, 'ROW_REFUSED', error, signal);
      }
    }
  }

  /** Unreadable batches come in numbers: logs the first immediately, then their number once a minute. */
  function logUnreadable(
    { topic, partition }: Delivered,
    { error, firstOffset, lastOffset }: UnreadableBatch,
  ): void {
    suppressed++;
    if (now() - loggedAt < LOG_INTERVAL_MILLIS) return;
    log.error(
      { err: error, topic, partition, firstOffset, lastOffset, batches: suppressed },
      'a batch of messages cannot be read; it was written to the dead letters, and reading continues after it',
    );
    suppressed = 0;
    loggedAt = now();
  }

  function countSpans({ spans, passedOver, rejections }: Decoded): void {
    counters.spans.accepted += spans.length;
    counters.spans.passedOver += passedOver;
    for (const [reason, count] of Object.entries(rejections)) {
      counters.spans.rejected[reason as Rejection] += count;
    }
  }

  return { take, isWaiting: () => rows.isFailing() || letters.isFailing() };
}

function attempt(decode: () => Decoded): Decoded | { readonly error: unknown } {
  try {
    return decode();
  } catch (error) {
    if (hasCode(error, 'OTLP_MALFORMED')) return { error };
    throw error;
  }
}

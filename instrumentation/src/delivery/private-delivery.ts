import type { Attributes } from '@opentelemetry/api';
import type { CoalescedSpan } from '../coalescing/coalescer.ts';
import { log } from '../log.ts';
import { type Batch, divideBatch, encodeBatch, encodeBatchSync, type UnsentBatch } from './batch.ts';
import type { Clock } from './clock.ts';
import type { Delivery } from './delivery.ts';
import type { Sender } from './http-sender.ts';
import type { Losses } from './losses.ts';
import { type IdentifiedSpan, identify } from './otlp-json.ts';
import type { Target } from './target.ts';

const FIRST_PAUSE_MILLIS = 250;
const LONGEST_PAUSE_MILLIS = 5_000;
/** Attempts after which a receiver that does not answer is worth a line in the log. */
const ATTEMPTS_BEFORE_WARNING = 5;

/** While somebody waits: a receiver that restarts is met soon after it is back. */
const URGENT_PAUSE_MILLIS = 250;
/** And so long it is left alone at most where it asked for that. */
const URGENT_RETRY_AFTER_MILLIS = 1_000;

interface Surroundings {
  readonly sender: Sender;
  readonly target: Target;
  readonly resource: Attributes;
  readonly clock: Clock;
  readonly losses: Losses;
  /** 0 ≤ n < 1, for the jitter. */
  readonly random: () => number;
  /** The directory that keeps what could not be sent. */
  readonly spool: string | undefined;
}

/**
 * Sends spans by OTLP/HTTP until the receiver has accepted them. A body is made once, and its bytes are sent
 * again after anything that leaves their fate open: the receiver knows the spans by their ids, so that a body
 * which arrives twice counts once.
 */
export class PrivateDelivery implements Delivery {
  readonly #with: Surroundings;
  /** Identified, and being compressed. */
  #encoding: readonly IdentifiedSpan[] = [];
  /** Encoded and not settled; the first one is being sent. */
  #open: Batch[] = [];
  #stopWaiting: (() => void) | undefined;
  #urgentUntil = 0;
  #isUrgent = false;
  #isClosed = false;
  #isUnreachable = false;

  constructor(surroundings: Surroundings) {
    this.#with = surroundings;
  }

  async deliver(spans: readonly CoalescedSpan[]): Promise<void> {
    this.#encoding = identify(spans);
    try {
      this.#open = [await encodeBatch(this.#with.resource, this.#encoding)];
      this.#encoding = [];
      for (let batch = this.#open[0]; batch !== undefined && !this.#isClosed; batch = this.#open[0]) {
        const parts = await this.#sendUntilSettled(batch);
        this.#open.splice(0, 1, ...parts);
      }
    } finally {
      this.#encoding = [];
      this.#open = [];
    }
  }

  retryNow(millis: number): void {
    this.#isUrgent = true;
    this.#urgentUntil = this.#with.clock.now() + millis;
    this.#stopWaiting?.();
  }

  takeUnsettled(): UnsentBatch[] {
    const { resource } = this.#with;
    const encoding = this.#encoding.length === 0 ? [] : [encodeBatchSync(resource, this.#encoding)];
    const batches = [...encoding, ...this.#open];
    this.#encoding = [];
    this.#open = [];
    return batches.map((batch) => this.#unsent(batch));
  }

  encode(spans: readonly CoalescedSpan[]): UnsentBatch[] {
    return [this.#unsent(encodeBatchSync(this.#with.resource, identify(spans)))];
  }

  close(): void {
    this.#isClosed = true;
    this.#stopWaiting?.();
    this.#with.sender.close();
  }

  #unsent(batch: Batch): UnsentBatch {
    const { target, sender, spool } = this.#with;
    return { ...batch, target: { ...target, url: target.url.href, address: sender.address }, spool };
  }

  /** Resolves with what has to be sent instead of the batch. */
  async #sendUntilSettled(batch: Batch): Promise<readonly Batch[]> {
    const { sender, losses } = this.#with;
    for (let attempt = 1; ; attempt++) {
      if (this.#isUrgent) attempt = 1;
      this.#isUrgent = false;
      const result = await sender.send(batch.body);
      switch (result.outcome) {
        case 'accepted':
          this.#isUnreachable = false;
          losses.add('rejected', result.rejected, rejectedMessage(result.rejected, result.message));
          return [];
        case 'refused':
          losses.add('refused', batch.decisions, refusedMessage(this.#destination, result.status));
          return [];
        case 'too_large': {
          const parts = divideBatch(batch);
          if (parts.length === 0) losses.add('refused', batch.decisions, tooLargeMessage(this.#destination));
          return parts;
        }
        case 'retry':
          if (this.#isClosed) return [];
          if (attempt === ATTEMPTS_BEFORE_WARNING) this.#mentionUnreachable(result.message);
          await this.#pause(attempt, result.afterMillis);
          if (this.#isClosed) return [];
      }
    }
  }

  get #destination(): string {
    return this.#with.target.url.origin;
  }

  /**
   * Exponential with jitter in its upper half, and no shorter where the receiver asks for less (`Retry-After: 0`,
   * a date gone by). While somebody waits it is short.
   */
  async #pause(attempt: number, afterMillis: number): Promise<void> {
    if (this.#isUrgent || this.#isClosed) return;
    const isAwaited = this.#with.clock.now() < this.#urgentUntil;
    const longest = isAwaited ? URGENT_PAUSE_MILLIS : LONGEST_PAUSE_MILLIS;
    const ceiling = Math.min(FIRST_PAUSE_MILLIS * 2 ** (attempt - 1), longest);
    const backOff = ceiling * (0.5 + this.#with.random() / 2);
    const asked = isAwaited ? Math.min(afterMillis, URGENT_RETRY_AFTER_MILLIS) : afterMillis;
    const millis = Math.max(backOff, asked);
    await new Promise<void>((resolve) => {
      const cancel = this.#with.clock.after(millis, resolve);
      this.#stopWaiting = () => {
        cancel();
        resolve();
      };
    });
    this.#stopWaiting = undefined;
  }

  #mentionUnreachable(message: string): void {
    if (this.#isUnreachable) return;
    this.#isUnreachable = true;
    log('warn', `${this.#destination} does not accept decision spans (${message}); counting until it does.`);
  }
}

function refusedMessage(destination: string, status: number): string {
  const remedy =
    status === 401 || status === 403
      ? 'give it the right Authorization header (OTEL_EXPORTER_OTLP_HEADERS or ORIGINSCOPE_HEADERS)'
      : 'check that ORIGINSCOPE_ENDPOINT names an OTLP/HTTP receiver of traces';
  return `${destination} refuses decision spans with status ${status}: ${remedy}.`;
}

function tooLargeMessage(destination: string): string {
  return `A single decision span is too large for ${destination}: raise its body limit.`;
}

function rejectedMessage(rejected: number, reason: string): string {
  return `The receiver rejected ${rejected} decision spans: ${reason || 'it gave no reason, see its own log'}.`;
}

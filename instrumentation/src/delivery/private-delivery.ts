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
/** Failed attempts before a warning is logged. */
const ATTEMPTS_BEFORE_WARNING = 5;

/** While a caller waits, so that a receiver that restarts is reached soon. */
const URGENT_PAUSE_MILLIS = 250;
/** Upper bound of Retry-After while a caller waits. */
const URGENT_RETRY_AFTER_MILLIS = 1_000;

interface Dependencies {
  readonly sender: Sender;
  readonly target: Target;
  readonly resource: Attributes;
  readonly clock: Clock;
  readonly losses: Losses;
  /** Returns a number in [0, 1), for jitter. */
  readonly random: () => number;
  /** The directory for batches that could not be sent. */
  readonly spool: string | undefined;
}

/**
 * Sends spans by OTLP/HTTP until the receiver accepts them. A body is encoded once and the same bytes are
 * resent after any inconclusive attempt. The receiver identifies spans by their ids, so a body that arrives
 * twice counts once.
 */
export class PrivateDelivery implements Delivery {
  readonly #deps: Dependencies;
  /** Spans with ids that are being compressed. */
  #encoding: readonly IdentifiedSpan[] = [];
  /** Encoded batches that are not settled; the first is being sent. */
  #open: Batch[] = [];
  #stopWaiting: (() => void) | undefined;
  #urgentUntil = 0;
  #isUrgent = false;
  #isClosed = false;
  #isUnreachable = false;

  constructor(dependencies: Dependencies) {
    this.#deps = dependencies;
  }

  async deliver(spans: readonly CoalescedSpan[]): Promise<void> {
    this.#encoding = identify(spans);
    try {
      this.#open = [await encodeBatch(this.#deps.resource, this.#encoding)];
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
    this.#urgentUntil = this.#deps.clock.now() + millis;
    this.#stopWaiting?.();
  }

  takeUnsettled(): UnsentBatch[] {
    const { resource } = this.#deps;
    const encoding = this.#encoding.length === 0 ? [] : [encodeBatchSync(resource, this.#encoding)];
    const batches = [...encoding, ...this.#open];
    this.#encoding = [];
    this.#open = [];
    return batches.map((batch) => this.#unsent(batch));
  }

  encode(spans: readonly CoalescedSpan[]): UnsentBatch[] {
    return [this.#unsent(encodeBatchSync(this.#deps.resource, identify(spans)))];
  }

  close(): void {
    this.#isClosed = true;
    this.#stopWaiting?.();
    this.#deps.sender.close();
  }

  #unsent(batch: Batch): UnsentBatch {
    const { target, sender, spool } = this.#deps;
    return { ...batch, target: { ...target, url: target.url.href, address: sender.address }, spool };
  }

  /** Resolves with the batches to send instead: empty, or its two halves. */
  async #sendUntilSettled(batch: Batch): Promise<readonly Batch[]> {
    const { sender, losses } = this.#deps;
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
          if (attempt === ATTEMPTS_BEFORE_WARNING) this.#warnUnreachable(result.message);
          await this.#pause(attempt, result.afterMillis);
          if (this.#isClosed) return [];
      }
    }
  }

  get #destination(): string {
    return this.#deps.target.url.origin;
  }

  /**
   * Exponential back-off with jitter in its upper half, never shorter than a Retry-After of the receiver
   * requires. Short while a caller waits.
   */
  async #pause(attempt: number, afterMillis: number): Promise<void> {
    if (this.#isUrgent || this.#isClosed) return;
    const isAwaited = this.#deps.clock.now() < this.#urgentUntil;
    const longest = isAwaited ? URGENT_PAUSE_MILLIS : LONGEST_PAUSE_MILLIS;
    const ceiling = Math.min(FIRST_PAUSE_MILLIS * 2 ** (attempt - 1), longest);
    const backOff = ceiling * (0.5 + this.#deps.random() / 2);
    const asked = isAwaited ? Math.min(afterMillis, URGENT_RETRY_AFTER_MILLIS) : afterMillis;
    const millis = Math.max(backOff, asked);
    await new Promise<void>((resolve) => {
      const cancel = this.#deps.clock.after(millis, resolve);
      this.#stopWaiting = () => {
        cancel();
        resolve();
      };
    });
    this.#stopWaiting = undefined;
  }

  #warnUnreachable(message: string): void {
    if (this.#isUnreachable) return;
    this.#isUnreachable = true;
    log(
      'warn',
      `${this.#destination} does not accept decision spans (${message}); they are counted until it does.`,
    );
  }
}

function refusedMessage(destination: string, status: number): string {
  const remedy =
    status === 401 || status === 403
      ? 'set the right Authorization header (OTEL_EXPORTER_OTLP_HEADERS or ORIGINSCOPE_HEADERS)'
      : 'check that ORIGINSCOPE_ENDPOINT is an OTLP/HTTP endpoint for traces';
  return `${destination} rejects decision spans with status ${status}: ${remedy}.`;
}

function tooLargeMessage(destination: string): string {
  return `A single decision span is too large for ${destination}: raise its body limit.`;
}

function rejectedMessage(rejected: number, reason: string): string {
  return `The receiver rejected ${rejected} decision spans: ${reason || 'no reason given, see its log'}.`;
}

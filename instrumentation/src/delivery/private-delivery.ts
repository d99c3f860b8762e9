import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Attributes } from '@opentelemetry/api';
import type { CoalescedSpan } from '../coalescing/coalescer.ts';
import { log } from '../log.ts';
import type { Clock } from './clock.ts';
import type { Delivery } from './delivery.ts';
import type { Sender } from './http-sender.ts';
import type { Losses } from './losses.ts';
import { encodeOtlpJson, type IdentifiedSpan, identify } from './otlp-json.ts';

const FIRST_PAUSE_MILLIS = 250;
const LONGEST_PAUSE_MILLIS = 5_000;
/** Attempts after which a receiver that does not answer is worth a line in the log. */
const ATTEMPTS_BEFORE_WARNING = 5;

const compress = promisify(gzip);

interface Surroundings {
  readonly sender: Sender;
  readonly resource: Attributes;
  readonly clock: Clock;
  readonly losses: Losses;
  /** 0 ≤ n < 1, for the jitter. */
  readonly random: () => number;
  /** Where the spans go, for the log. */
  readonly destination: string;
}

/**
 * Sends spans by OTLP/HTTP until the receiver has accepted them. A body is made once, and its bytes are sent
 * again after anything that leaves their fate open: the receiver knows the spans by their ids, so that a body
 * which arrives twice counts once.
 */
export class PrivateDelivery implements Delivery {
  readonly #with: Surroundings;
  #stopWaiting: (() => void) | undefined;
  #isUrgent = false;
  #isClosed = false;
  #isUnreachable = false;

  constructor(surroundings: Surroundings) {
    this.#with = surroundings;
  }

  async deliver(spans: readonly CoalescedSpan[]): Promise<void> {
    await this.#sendUntilSettled(identify(spans));
  }

  urge(): void {
    this.#isUrgent = true;
    this.#stopWaiting?.();
  }

  close(): void {
    this.#isClosed = true;
    this.#stopWaiting?.();
    this.#with.sender.close();
  }

  async #sendUntilSettled(spans: readonly IdentifiedSpan[]): Promise<void> {
    const { sender, losses, resource } = this.#with;
    const body = await compress(encodeOtlpJson(resource, spans));
    for (let attempt = 1; ; attempt++) {
      if (this.#isUrgent) attempt = 1;
      this.#isUrgent = false;
      const result = await sender.send(body);
      switch (result.outcome) {
        case 'accepted':
          this.#isUnreachable = false;
          losses.add('rejected', result.rejected, rejectedMessage(result.rejected, result.message));
          return;
        case 'refused':
          losses.add('refused', decisionsOf(spans), this.#refusedMessage(result.status));
          return;
        case 'too_large':
          await this.#sendHalves(spans);
          return;
        case 'retry':
          if (this.#isClosed) {
            losses.add('unsent', decisionsOf(spans), unsentMessage(this.#with.destination));
            return;
          }
          if (attempt === ATTEMPTS_BEFORE_WARNING) this.#mentionUnreachable(result.message);
          await this.#pause(attempt, result.afterMillis);
      }
    }
  }

  async #sendHalves(spans: readonly IdentifiedSpan[]): Promise<void> {
    if (spans.length === 1) {
      const message = `A single decision span is too large for ${this.#with.destination}: raise its body limit.`;
      this.#with.losses.add('refused', decisionsOf(spans), message);
      return;
    }
    const middle = spans.length >> 1;
    await this.#sendUntilSettled(spans.slice(0, middle));
    await this.#sendUntilSettled(spans.slice(middle));
  }

  /**
   * Exponential with jitter in its upper half, and no shorter where the receiver asks for less (`Retry-After: 0`,
   * a date gone by). Somebody in a hurry ends it.
   */
  async #pause(attempt: number, afterMillis: number): Promise<void> {
    if (this.#isUrgent || this.#isClosed) return;
    const ceiling = Math.min(FIRST_PAUSE_MILLIS * 2 ** (attempt - 1), LONGEST_PAUSE_MILLIS);
    const backOff = ceiling * (0.5 + this.#with.random() / 2);
    const millis = Math.max(backOff, afterMillis);
    await new Promise<void>((resolve) => {
      const cancel = this.#with.clock.after(millis, resolve);
      this.#stopWaiting = () => {
        cancel();
        resolve();
      };
    });
    this.#stopWaiting = undefined;
  }

  #refusedMessage(status: number): string {
    const remedy =
      status === 401 || status === 403
        ? 'give it the right Authorization header (OTEL_EXPORTER_OTLP_HEADERS or ORIGINSCOPE_HEADERS)'
        : 'check that ORIGINSCOPE_ENDPOINT names an OTLP/HTTP receiver of traces';
    return `${this.#with.destination} refuses decision spans with status ${status}: ${remedy}.`;
  }

  #mentionUnreachable(message: string): void {
    if (this.#isUnreachable) return;
    this.#isUnreachable = true;
    log(
      'warn',
      `${this.#with.destination} does not accept decision spans (${message}); counting until it does.`,
    );
  }
}

function unsentMessage(destination: string): string {
  return `${destination} did not accept decision spans before the shutdown: give it more time, or restart later.`;
}

function rejectedMessage(rejected: number, reason: string): string {
  return `The receiver rejected ${rejected} decision spans: ${reason || 'it gave no reason, see its own log'}.`;
}

function decisionsOf(spans: readonly CoalescedSpan[]): number {
  return spans.reduce((sum, span) => sum + span.decisions, 0);
}

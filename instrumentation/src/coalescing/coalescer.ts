import type { Attributes, SpanContext } from '@opentelemetry/api';
import { type AttributeName, SPAN_NAME_PREFLIGHT, SPAN_NAME_REQUEST } from '../attributes.ts';
import type { Observation } from '../observation.ts';
import { type KeyBudget, type KnownKey, KnownKeys } from './known-keys.ts';
import { TokenBucket } from './token-bucket.ts';

/** A span that represents decisions of one minute. It gets its ids when it is delivered. */
export interface CoalescedSpan {
  readonly name: typeof SPAN_NAME_PREFLIGHT | typeof SPAN_NAME_REQUEST;
  /** Times of the first and the last decision, in epoch milliseconds of the same minute. */
  readonly start: number;
  readonly end: number;
  readonly decisions: number;
  /** `cors.decisions` comes first, so that an application's attribute limit drops other attributes. */
  readonly attributes: Attributes;
  readonly link: SpanContext | undefined;
}

export interface CoalescingOptions extends KeyBudget {
  /** In milliseconds; 0 creates one span per decision. */
  readonly intervalMillis: number;
  readonly blockedSpansPerSecond: number;
  readonly blockedSpansBurst: number;
}

/** Equal decisions that one span will report. */
interface Entry {
  readonly known: KnownKey;
  readonly start: number;
  /** When the span may be taken, in epoch milliseconds. */
  readonly due: number;
  readonly path: string | undefined;
  readonly link: SpanContext | undefined;
  end: number;
  decisions: number;
  /** Bits 0–31 and 32–63 of `cors.clients`. */
  clientsLow: number;
  clientsHigh: number;
}

interface PendingMinute {
  readonly start: number;
  readonly entries: Map<KnownKey, Entry>;
  /** Decisions that are reported individually, one span each. */
  readonly individual: Entry[];
}

const MINUTE = 60_000;
/**
 * The maximum of pending minutes: ten complete minutes of an outage keep their own counts, and later
 * decisions are added to the oldest.
 */
const MAX_MINUTES = 11;
/** The maximum of pending individual decisions; further ones are coalesced. */
const MAX_INDIVIDUAL = 2048;

/**
 * Counts equal decisions until they are reported by one span. The first decision of a key in an interval is
 * due immediately; repeats are due when the interval or the minute ends. Decisions that cannot be sent are
 * kept as counts, so an outage costs one entry per key and minute, regardless of traffic.
 */
export class Coalescer {
  readonly #options: CoalescingOptions;
  readonly #keys: KnownKeys;
  readonly #blocked: TokenBucket;
  readonly #minutes = new Map<number, PendingMinute>();
  #waiting = 0;
  #individual = 0;
  #total = 0;
  #lastForgotten = 0;

  constructor(options: CoalescingOptions) {
    this.#options = options;
    this.#keys = new KnownKeys(options);
    this.#blocked = new TokenBucket(options.blockedSpansPerSecond, options.blockedSpansBurst);
  }

  /** The number of pending spans. */
  get waiting(): number {
    return this.#waiting;
  }

  /** The number of pending spans that report an individual decision; all of them are due. */
  get individual(): number {
    return this.#individual;
  }

  record(observation: Observation): void {
    const minute = this.#minuteOf(observation.time);
    const known = this.#keys.find(observation);
    known.lastSeen = observation.time;
    // In a long outage, decisions without a minute of their own are added to the oldest one, at its nearest
    // time.
    const time = Math.min(Math.max(observation.time, minute.start), minute.start + MINUTE - 1);

    if (time === observation.time && this.#getsOwnSpan(observation, known)) {
      known.reportedInterval = this.#intervalOf(time);
      minute.individual.push(newEntry(known, time, 0, observation, observation.path));
      this.#individual += 1;
      this.#waiting += 1;
      return;
    }
    const entry = minute.entries.get(known);
    if (entry === undefined) {
      minute.entries.set(known, newEntry(known, time, this.#dueOf(known, time), observation, undefined));
      this.#waiting += 1;
      return;
    }
    entry.decisions += 1;
    entry.end = Math.max(entry.end, time);
    addClient(entry, observation.clientBit);
  }

  /**
   * Removes and returns up to `limit` spans, oldest minute first. They are added to `cors.decisions.total`
   * in this order, so the caller must deliver them in order.
   *
   * @param isEverythingDue also take spans that are not due yet
   */
  cut(now: number, limit: number, isEverythingDue = false): CoalescedSpan[] {
    const spans: CoalescedSpan[] = [];
    for (const start of [...this.#minutes.keys()].sort((a, b) => a - b)) {
      const minute = this.#minutes.get(start);
      if (minute === undefined || spans.length === limit) break;
      const individual = minute.individual.splice(0, limit - spans.length);
      this.#individual -= individual.length;
      for (const entry of individual) spans.push(this.#spanOf(entry));
      for (const [known, entry] of minute.entries) {
        if (spans.length === limit) break;
        if (entry.due > now && !isEverythingDue) continue;
        minute.entries.delete(known);
        spans.push(this.#spanOf(entry));
      }
      if (minute.individual.length === 0 && minute.entries.size === 0) this.#minutes.delete(start);
    }
    this.#waiting -= spans.length;
    if (Math.abs(now - this.#lastForgotten) >= MINUTE) {
      this.#lastForgotten = now;
      this.#keys.forgetIdle(now);
    }
    return spans;
  }

  #minuteOf(time: number): PendingMinute {
    const start = Math.floor(time / MINUTE) * MINUTE;
    const minute = this.#minutes.get(start);
    if (minute !== undefined) return minute;
    if (this.#minutes.size >= MAX_MINUTES) {
      const oldest = this.#minutes.get(Math.min(...this.#minutes.keys()));
      if (oldest !== undefined) return oldest;
    }
    const created: PendingMinute = { start, entries: new Map(), individual: [] };
    this.#minutes.set(start, created);
    return created;
  }

  #getsOwnSpan({ decision, time }: Observation, known: KnownKey): boolean {
    if (!known.isExact || this.#individual >= MAX_INDIVIDUAL) return false;
    if (this.#options.intervalMillis === 0) return true;
    return decision.verdict === 'blocked' && this.#blocked.take(time);
  }

  /** Intervals start with the minute, so that none crosses its end. */
  #dueOf(known: KnownKey, time: number): number {
    const { intervalMillis } = this.#options;
    if (intervalMillis === 0) return 0;
    const interval = this.#intervalOf(time);
    if (known.reportedInterval !== interval) {
      known.reportedInterval = interval;
      return 0;
    }
    const minuteStart = Math.floor(time / MINUTE) * MINUTE;
    const ended = Math.floor((time - minuteStart) / intervalMillis) + 1;
    return minuteStart + Math.min(ended * intervalMillis, MINUTE);
  }

  /** A unique number for the interval. */
  #intervalOf(time: number): number {
    const minuteStart = Math.floor(time / MINUTE) * MINUTE;
    const { intervalMillis } = this.#options;
    return intervalMillis === 0 ? time : time - ((time - minuteStart) % intervalMillis);
  }

  #spanOf(entry: Entry): CoalescedSpan {
    this.#total += entry.decisions;
    const { known, clientsLow, clientsHigh } = entry;
    const facts = {
      'cors.decisions': entry.decisions,
      'cors.decisions.total': this.#total,
      ...known.attributes,
      'cors.clients': clientsLow === 0 && clientsHigh === 0 ? undefined : hex(clientsHigh) + hex(clientsLow),
      'url.path': entry.path,
    } satisfies { [K in AttributeName]?: unknown };
    return {
      name: known.attributes['cors.kind'] === 'preflight' ? SPAN_NAME_PREFLIGHT : SPAN_NAME_REQUEST,
      start: entry.start,
      end: entry.end,
      decisions: entry.decisions,
      attributes: facts,
      link: entry.link,
    };
  }
}

function newEntry(
  known: KnownKey,
  time: number,
  due: number,
  { decision, link, clientBit }: Observation,
  path: string | undefined,
): Entry {
  const entry: Entry = {
    known,
    start: time,
    due,
    path: decision.verdict === 'blocked' ? path : undefined,
    // Omit the trace state: a consumer that finds a sampling threshold there would multiply our counts.
    link: link && { traceId: link.traceId, spanId: link.spanId, traceFlags: link.traceFlags },
    end: time,
    decisions: 1,
    clientsLow: 0,
    clientsHigh: 0,
  };
  addClient(entry, clientBit);
  return entry;
}

function addClient(entry: Entry, bit: number | undefined): void {
  if (bit === undefined) return;
  if (bit < 32) entry.clientsLow |= 1 << bit;
  else entry.clientsHigh |= 1 << (bit - 32);
}

function hex(bits: number): string {
  return (bits >>> 0).toString(16).padStart(8, '0');
}

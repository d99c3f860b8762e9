import type { Attributes, SpanContext } from '@opentelemetry/api';
import { type AttributeName, SPAN_NAME_PREFLIGHT, SPAN_NAME_REQUEST } from '../attributes.ts';
import type { Observation } from '../observation.ts';
import { type KeyBudget, type Known, KnownKeys } from './known-keys.ts';
import { TokenBucket } from './token-bucket.ts';

/** A span that stands for decisions of one minute, ready to be delivered; it gets its ids there. */
export interface CoalescedSpan {
  readonly name: typeof SPAN_NAME_PREFLIGHT | typeof SPAN_NAME_REQUEST;
  /** The first and the last decision that it stands for, epoch milliseconds of the same minute. */
  readonly start: number;
  readonly end: number;
  readonly decisions: number;
  /** `cors.decisions` comes first: an application's attribute limit then drops something else. */
  readonly attributes: Attributes;
  readonly link: SpanContext | undefined;
}

export interface CoalescingOptions extends KeyBudget {
  /** Milliseconds; 0 gives each decision a span of its own. */
  readonly intervalMillis: number;
  readonly blockedSpansPerSecond: number;
  readonly blockedSpansBurst: number;
}

/** Decisions that will be carried by one span. */
interface Entry {
  readonly known: Known;
  readonly start: number;
  /** When the span may be cut, epoch milliseconds. */
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
  readonly entries: Map<Known, Entry>;
  /** Decisions that have a span to themselves. */
  readonly own: Entry[];
}

const MINUTE = 60_000;
/** Minutes that may wait at once, so that ten whole ones of an outage stay right; later ones join the oldest. */
const MAX_MINUTES = 11;
/** Decisions that may wait for a span of their own; more of them are coalesced. */
const MAX_OWN = 2048;

/**
 * Counts decisions until a span can carry them. The first decision of its key in an interval is due at once;
 * its repeats are due when the interval, or the minute, ends. What cannot be sent waits here as counts, so an
 * outage costs an entry for each key and minute, whatever the traffic.
 */
export class Coalescer {
  readonly #options: CoalescingOptions;
  readonly #keys: KnownKeys;
  readonly #blocked: TokenBucket;
  readonly #minutes = new Map<number, PendingMinute>();
  #waiting = 0;
  #own = 0;
  #total = 0;
  #lastForgotten = 0;

  constructor(options: CoalescingOptions) {
    this.#options = options;
    this.#keys = new KnownKeys(options);
    this.#blocked = new TokenBucket(options.blockedSpansPerSecond, options.blockedSpansBurst);
  }

  /** How many spans are waiting to be cut. */
  get waiting(): number {
    return this.#waiting;
  }

  /** How many of them stand for a single decision and are due already. */
  get own(): number {
    return this.#own;
  }

  record(observation: Observation): void {
    const minute = this.#minuteOf(observation.time);
    const known = this.#keys.find(observation);
    known.lastSeen = observation.time;
    // In a long outage the oldest minute takes what has no minute of its own: the nearest instant of it.
    const time = Math.min(Math.max(observation.time, minute.start), minute.start + MINUTE - 1);

    if (time === observation.time && this.#keepsOwnSpan(observation, known)) {
      known.spokenInterval = this.#intervalOf(time);
      minute.own.push(newEntry(known, time, 0, observation, observation.path));
      this.#own += 1;
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
   * Takes up to `limit` spans out, older minutes first: those that are due, or all. They are counted into
   * `cors.decisions.total` in this order, so the caller has to deliver them in it.
   */
  cut(now: number, limit: number, isEverythingDue = false): CoalescedSpan[] {
    const spans: CoalescedSpan[] = [];
    for (const start of [...this.#minutes.keys()].sort((a, b) => a - b)) {
      const minute = this.#minutes.get(start);
      if (minute === undefined || spans.length === limit) break;
      const own = minute.own.splice(0, limit - spans.length);
      this.#own -= own.length;
      for (const entry of own) spans.push(this.#spanOf(entry));
      for (const [known, entry] of minute.entries) {
        if (spans.length === limit) break;
        if (entry.due > now && !isEverythingDue) continue;
        minute.entries.delete(known);
        spans.push(this.#spanOf(entry));
      }
      if (minute.own.length === 0 && minute.entries.size === 0) this.#minutes.delete(start);
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
    const created: PendingMinute = { start, entries: new Map(), own: [] };
    this.#minutes.set(start, created);
    return created;
  }

  #keepsOwnSpan({ decision, time }: Observation, known: Known): boolean {
    if (!known.isExact || this.#own >= MAX_OWN) return false;
    if (this.#options.intervalMillis === 0) return true;
    return decision.verdict === 'blocked' && this.#blocked.take(time);
  }

  /** Intervals are counted from the start of the minute, so that none reaches over its end. */
  #dueOf(known: Known, time: number): number {
    const { intervalMillis } = this.#options;
    if (intervalMillis === 0) return 0;
    const interval = this.#intervalOf(time);
    if (known.spokenInterval !== interval) {
      known.spokenInterval = interval;
      return 0;
    }
    const minuteStart = Math.floor(time / MINUTE) * MINUTE;
    const ended = Math.floor((time - minuteStart) / intervalMillis) + 1;
    return minuteStart + Math.min(ended * intervalMillis, MINUTE);
  }

  /** A number that no other interval has. */
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
  known: Known,
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
    // Without the trace state: a consumer that finds a sampling threshold there would multiply our counts.
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

import type { Attributes } from '@opentelemetry/api';
import type { Observation } from '../observation.ts';
import { attributesOf, coarse, keyOf, withoutFreeText } from './key.ts';

/** A key with spans of its own: their attributes, and when they were reported. */
export interface KnownKey {
  readonly attributes: Attributes;
  /** False for a key that is shared by everything over the budget. */
  readonly isExact: boolean;
  /** When the key was last counted, in epoch milliseconds, accurate to the minute. */
  lastSeen: number;
  /** The interval for which this key already has a span. */
  reportedInterval: number;
}

export interface KeyBudget {
  readonly newKeysAtStart: number;
  readonly newKeysPerMinute: number;
}

const MINUTE = 60_000;
/** Keys that were not seen for this many minutes are evicted. */
const IDLE_MINUTES = 20;
/** Longer keys count as over budget; together with the number of keys this bounds memory. */
const MAX_KEY_LENGTH = 1024;
/** The maximum of over-budget keys that still distinguish method, route, site and credentials. */
const MAX_WITHOUT_FREE_TEXT = 250;

/**
 * The keys that have spans of their own. Clients choose origins, header names and paths, and with them the
 * number of keys. New keys have a budget per minute; over budget they share a key whose free text is
 * `(other)`, and if there are too many of those, a coarse key.
 */
export class KnownKeys {
  readonly #budget: KeyBudget;
  readonly #most: number;
  readonly #exact = new Map<string, KnownKey>();
  readonly #withoutFreeText = new Map<string, KnownKey>();
  readonly #coarse = new Map<string, KnownKey>();
  #start: number | undefined;
  #minute = 0;
  #left: number;

  constructor(budget: KeyBudget) {
    this.#budget = budget;
    // The maximum that the budget admits before idle keys are evicted.
    this.#most = budget.newKeysAtStart + (IDLE_MINUTES + 2) * budget.newKeysPerMinute;
    this.#left = budget.newKeysAtStart;
  }

  /** Returns the key for an observation, adding it if the budget allows. */
  find(observation: Observation): KnownKey {
    const key = keyOf(observation);
    const known = this.#exact.get(key);
    if (known !== undefined) return known;
    if (this.#admits(observation.time, key)) return this.#add(this.#exact, key, observation, true);

    const bounded = withoutFreeText(observation);
    const boundedKey = keyOf(bounded);
    const boundedKnown = this.#withoutFreeText.get(boundedKey);
    if (boundedKnown !== undefined) return boundedKnown;
    if (this.#withoutFreeText.size < MAX_WITHOUT_FREE_TEXT && boundedKey.length <= MAX_KEY_LENGTH) {
      return this.#add(this.#withoutFreeText, boundedKey, bounded, false);
    }

    const last = coarse(observation);
    const lastKey = keyOf(last);
    return this.#coarse.get(lastKey) ?? this.#add(this.#coarse, lastKey, last, false);
  }

  /**
   * Evicts idle keys. Called only while spans can be sent: during an outage the set of keys is frozen, so
   * that pending data cannot grow with every new key.
   */
  forgetIdle(now: number): void {
    for (const keys of [this.#exact, this.#withoutFreeText, this.#coarse]) {
      for (const [key, known] of keys) {
        if (now - known.lastSeen > IDLE_MINUTES * MINUTE) keys.delete(key);
      }
    }
  }

  #admits(time: number, key: string): boolean {
    this.#start ??= time;
    const minute = Math.floor((time - this.#start) / MINUTE);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#left = this.#budget.newKeysPerMinute;
    }
    if (this.#left === 0 || this.#exact.size >= this.#most || key.length > MAX_KEY_LENGTH) return false;
    this.#left -= 1;
    return true;
  }

  #add(keys: Map<string, KnownKey>, key: string, observation: Observation, isExact: boolean): KnownKey {
    const known: KnownKey = {
      attributes: attributesOf(observation),
      isExact,
      lastSeen: observation.time,
      reportedInterval: Number.NEGATIVE_INFINITY,
    };
    keys.set(key, known);
    return known;
  }
}

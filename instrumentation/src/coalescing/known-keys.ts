import type { Attributes } from '@opentelemetry/api';
import type { Observation } from '../observation.ts';
import { attributesOf, coarse, keyOf, withoutFreeText } from './key.ts';

/** A key that has a span of its own: what its spans say, and when they said it. */
export interface Known {
  readonly attributes: Attributes;
  /** The key stands for one decision and not for all that were past the budget. */
  readonly isExact: boolean;
  /** When the key was counted last, epoch milliseconds, to the minute or better. */
  lastSeen: number;
  /** The interval (as a number) that already has a span of this key. */
  spokenInterval: number;
}

export interface KeyBudget {
  readonly newKeysAtStart: number;
  readonly newKeysPerMinute: number;
}

const MINUTE = 60_000;
/** Keys not seen for so many minutes make room for new ones. */
const IDLE_MINUTES = 20;
/** Longer keys count as past the budget: with the number of keys this bounds the memory. */
const MAX_KEY_LENGTH = 1024;
/** Keys past the budget that still tell method, route, site and credentials apart. */
const MAX_WITHOUT_FREE_TEXT = 250;

/**
 * The keys that may have spans of their own. Clients choose origins, header names and paths, so the number of
 * keys is theirs to choose as well: new ones have a budget a minute, and past it they share one key in which
 * the free texts are `(other)`. Should even those be too many, they share a coarse one.
 */
export class KnownKeys {
  readonly #budget: KeyBudget;
  readonly #most: number;
  readonly #exact = new Map<string, Known>();
  readonly #withoutFreeText = new Map<string, Known>();
  readonly #coarse = new Map<string, Known>();
  #start: number | undefined;
  #minute = 0;
  #left: number;

  constructor(budget: KeyBudget) {
    this.#budget = budget;
    // All that the budget can add before the first of them is idle for long, and found to be.
    this.#most = budget.newKeysAtStart + (IDLE_MINUTES + 2) * budget.newKeysPerMinute;
    this.#left = budget.newKeysAtStart;
  }

  /** Finds the key to count an observation by, making it known if there is budget. */
  find(observation: Observation): Known {
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
   * Forgets keys that were idle for long. Called only while spans can be sent: in an outage the known keys stay
   * what they are, so that what is pending cannot grow with every key that comes and goes.
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

  #add(keys: Map<string, Known>, key: string, observation: Observation, isExact: boolean): Known {
    const known: Known = {
      attributes: attributesOf(observation),
      isExact,
      lastSeen: observation.time,
      spokenInterval: Number.NEGATIVE_INFINITY,
    };
    keys.set(key, known);
    return known;
  }
}

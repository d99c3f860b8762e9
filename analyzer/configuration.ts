import type { PageRule } from './incidents/page-policy.ts';

/** What the analyzer's incidents depend on beside the data. */
export interface Configuration {
  /** False alarms of statistical detectors that a service may have a day; the detectors' run lengths follow from it. */
  readonly alarmsPerServiceDay: number;
  /** How long after its end a minute is read: time for coalescing and delivery. */
  readonly settlingMillis: number;
  /** What baselines are made of: a start reads this much of the past. */
  readonly warmUpMillis: number;
  /** Which incidents page, where that differs from the default. */
  readonly pageRules: readonly PageRule[];
}

export const CONFIGURATION: Configuration = {
  alarmsPerServiceDay: 0.01,
  settlingMillis: 25_000,
  warmUpMillis: 8 * 86_400_000,
  pageRules: [],
};

/**
 * Series of a service that e-detectors watch: known calls that are blocked, server errors, `null`, strangers that are
 * blocked, rises and falls of all traffic, and rises of the origins, which share one.
 */
const WATCHED_SERIES = 7;

/**
 * Average run length of each e-detector, in ticks of a minute: a service-day costs at most the sum of 1440 / length
 * over its series in false alarms, as long as the counts are no heavier than the baseline says.
 *
 * @param peers among how many series the budget of one is divided
 */
export function averageRunLength({ alarmsPerServiceDay }: Configuration, peers = 1): number {
  return (1440 * WATCHED_SERIES * peers) / alarmsPerServiceDay;
}

import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import { OTHER } from '../../instrumentation/src/attributes.ts';

/** The labels of `cors_decisions_total`. */
export type DecisionLabels = Pick<DecisionSpan, 'service' | 'kind' | 'verdict' | 'reason'>;

export interface DecisionCounts {
  count(spans: readonly DecisionSpan[]): void;
  /** Decisions whose origin was over its service's budget of new ones. */
  readonly ofOtherOrigins: number;
  [Symbol.iterator](): Iterator<readonly [labels: DecisionLabels, decisions: number]>;
}

/**
 * Counts the decisions written by this process, for users of Prometheus only. Senders choose service names,
 * so beyond `mostServices` a new one is `(other)`. A redelivered span counts again here, but not in the
 * views.
 */
export function createDecisionCounts(mostServices = 200): DecisionCounts {
  const byService = new Map<string, Map<string, [labels: DecisionLabels, decisions: number]>>();

  let ofOtherOrigins = 0;

  return {
    get ofOtherOrigins() {
      return ofOtherOrigins;
    },
    count(spans) {
      for (const { service: name, kind, verdict, reason, origin, decisions } of spans) {
        if (origin === OTHER) ofOtherOrigins += decisions;
        const service = byService.has(name) || byService.size < mostServices ? name : OTHER;
        let counts = byService.get(service);
        if (counts === undefined) {
          counts = new Map();
          byService.set(service, counts);
        }
        const key = `${kind} ${verdict} ${reason}`;
        const entry = counts.get(key);
        if (entry === undefined) counts.set(key, [{ service, kind, verdict, reason }, decisions]);
        else entry[1] += decisions;
      }
    },
    *[Symbol.iterator]() {
      for (const counts of byService.values()) yield* counts.values();
    },
  };
}

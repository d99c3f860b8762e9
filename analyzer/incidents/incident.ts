import type { Signal, Subject } from '../detectors/detection.ts';

/** What an incident is; `unclassified` where the evidence does not tell the candidates apart. */
export const INCIDENT_CLASSES = [
  'breakage',
  'suspicious',
  'legitimate_shift',
  'misconfiguration',
  'telemetry_gap',
  'unclassified',
] as const;
export type IncidentClass = (typeof INCIDENT_CLASSES)[number];

/** Highest first. */
export const SEVERITIES = ['critical', 'warning', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

export type IncidentState = 'pending' | 'firing' | 'recovering' | 'resolved';

/** Counts of one attribute value among the affected decisions, against the baseline. */
export interface AffectedValue {
  readonly value: string;
  readonly decisions: number;
  /** Share among the affected decisions and in the baseline, 0 to 1. */
  readonly share: number;
  readonly baselineShare: number;
}

/**
 * Signals about the same subject, classified. A function of settled data, acceptance log and configuration: two
 * analyzers and a backtest make the same ones, ids included.
 */
export interface Incident {
  /** Hexadecimal digest of service, environment, subject and start. */
  readonly id: string;
  readonly service: string;
  readonly environment: string;
  readonly class: IncidentClass;
  readonly severity: Severity;
  /** Whether it wakes a person; all others are tickets. */
  readonly page: boolean;
  readonly state: IncidentState;
  readonly subject: Subject;
  /** Epoch milliseconds: when the change began, when it was first seen, and when it ended. */
  readonly startedAt: number;
  readonly detectedAt: number;
  readonly resolvedAt: number | undefined;
  readonly signals: readonly Signal[];
  /** Sentences with numbers. */
  readonly evidence: { readonly for: readonly string[]; readonly against: readonly string[] };
  /** The probable cause, and the header or allowlist entry to change; empty where the data do not show it. */
  readonly cause: string;
  readonly change: string;
  /** Most affected first. */
  readonly affected: {
    readonly origins: readonly AffectedValue[];
    readonly routes: readonly AffectedValue[];
    readonly reasons: readonly AffectedValue[];
    readonly requestedHeaders: readonly AffectedValue[];
    readonly versions: readonly AffectedValue[];
  };
  /** Blocked decisions (or decisions, of other classes) since the start. */
  readonly decisions: number;
}

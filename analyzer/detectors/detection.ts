import type { UsageRow } from '../input/usage-row.ts';

/** What can be wrong with a policy, as a detector of its own finds it. */
export const MISCONFIGURATIONS = [
  'origin_reflection',
  'prefix_match',
  'suffix_match',
  'unescaped_dot',
  'null_allowed',
  'http_on_https',
  'any_subdomain',
  'any_extension',
  'wildcard_with_credentials',
  'missing_vary_origin',
] as const;
export type Misconfiguration = (typeof MISCONFIGURATIONS)[number];

/** Every detector; a signal and its stored rows carry the name. */
export const DETECTORS = [
  'flip',
  'new_block',
  'block_rate',
  'server_error_rate',
  'novelty_burst',
  'slow_scan',
  'lookalike',
  'null_burst',
  'stranger_rate',
  ...MISCONFIGURATIONS,
  'policy_widened',
  'new_allowed_origin',
  'vanished_origin',
  'volume_rise',
  'volume_growth',
  'volume_fall',
  'silence',
  'completeness',
] as const;
export type DetectorName = (typeof DETECTORS)[number];

/** What a signal, and an incident, is about. */
export interface Subject {
  readonly kind: 'origin' | 'route' | 'header' | 'method' | 'version' | 'reason' | 'service';
  readonly value: string;
}

/** A detector's statement about one series. Times are epoch milliseconds. */
export interface Signal {
  readonly detector: DetectorName;
  readonly service: string;
  readonly environment: string;
  readonly subject: Subject;
  /** Of the signal's own measure, in `unit`. */
  readonly observed: number;
  readonly expected: number;
  readonly unit: string;
  /** How far observed is from expected, on the detector's own scale; 0 where the statement is a proof. */
  readonly score: number;
  readonly since: number;
  /** End of the tick that raised it. */
  readonly at: number;
  /** One sentence with numbers. */
  readonly sentence: string;
}

/** What kind of change a detection speaks for. Detections of one family about one service become one incident. */
export type Family = 'breakage' | 'suspicious' | 'misconfiguration' | 'shift' | 'gap';

/** What a detector found in a minute; it finds it again in every minute in which it goes on. */
export interface Detection
  extends Pick<
    Signal,
    'detector' | 'subject' | 'observed' | 'expected' | 'unit' | 'score' | 'since' | 'sentence'
  > {
  readonly family: Family;
  /** Enough to tell people; until then the incident is pending. */
  readonly isConfirmed: boolean;
  /** The decisions it is about that no detection has named before. */
  readonly rows: readonly UsageRow[];
  /** What speaks against the class that the family stands for. */
  readonly against?: readonly string[];
  /** Credentials are allowed for a site that has nothing to do with those allowed before. */
  readonly exposesCredentials?: boolean;
  /** The origins that a shift or a suspicion is about. */
  readonly origins?: readonly string[];
}

/** What a reason is about. */
export function subjectOf(reason: string, detail: string): Subject {
  if (reason === 'header_not_allowed' && detail !== '') return { kind: 'header', value: detail };
  if (reason === 'method_not_allowed' && detail !== '') return { kind: 'method', value: detail };
  return { kind: 'reason', value: reason };
}

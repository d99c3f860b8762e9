import type { Signal } from '../incidents/incident.ts';
import type { UsageRow } from '../input/usage-row.ts';

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

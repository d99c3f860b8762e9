import type { BLOCKED_REASONS } from './decision.ts';

/** Why a check refuses. */
export interface Failure {
  readonly reason: (typeof BLOCKED_REASONS)[number];
  /** The failing token, as sent. */
  readonly detail: string;
  /** The cause is a header that is not there; another observer, or a browser's cache, may still have it. */
  readonly absent: boolean;
}

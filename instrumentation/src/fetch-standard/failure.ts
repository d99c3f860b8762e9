import type { BLOCKED_REASONS } from './decision.ts';

/** Why a check fails. */
export interface Failure {
  readonly reason: (typeof BLOCKED_REASONS)[number];
  /** The failing token, as sent. */
  readonly detail: string;
  /** The cause is a missing header, which another observer or a browser's cache may still have. */
  readonly absent: boolean;
}

/** Decisions of one minute that agree in everything the analyzer looks at: a row of `origin_usage`, summed. */
export interface UsageRow {
  /** Start, epoch milliseconds. */
  readonly minute: number;
  readonly service: string;
  readonly environment: string;
  readonly version: string;
  readonly route: string;
  readonly kind: string;
  readonly verdict: string;
  readonly reason: string;
  readonly detail: string;
  readonly origin: string;
  readonly method: string;
  /** Names joined by `,`. */
  readonly requestedHeaders: string;
  readonly credentials: string;
  readonly allowOrigin: string;
  readonly allowCredentials: boolean;
  readonly varyOrigin: boolean;
  readonly browser: boolean;
  readonly statusCode: number;
  readonly decisions: number;
  /** The two halves of the bitmap of client networks, unsigned 32 bits each; both 0 where clients are not known. */
  readonly clientsHigh: number;
  readonly clientsLow: number;
}

/** Received and observed decisions of a service in an hour. */
export interface CompletenessRow {
  /** Start, epoch milliseconds. */
  readonly hour: number;
  readonly service: string;
  readonly received: number;
  readonly observed: number;
}

/** Whether a reason is about one header or method, which `detail` names. */
export function isAboutToken(reason: string): boolean {
  return reason === 'header_not_allowed' || reason === 'method_not_allowed';
}

/** Whether the header or method that a decision is about is known. */
export function namesToken({ reason, detail }: UsageRow): boolean {
  return isAboutToken(reason) && detail !== '';
}

export function decisionsOf(rows: readonly UsageRow[]): number {
  return rows.reduce((sum, { decisions }) => sum + decisions, 0);
}

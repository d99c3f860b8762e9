import type { Logger } from 'pino';
import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import { type DiskSpace, spaceRemedy, spaceText } from '../../clickhouse/disks.ts';
import { codeOf } from '../../core/errors.ts';
import { createOutageLog } from '../../core/outage-log.ts';
import { printableMessage } from '../../core/text.ts';

export interface WriteOutcome {
  inserted(): void;
  failed(spans: readonly DecisionSpan[], error: unknown): void;
  /** Whether the last insert failed. */
  readonly isFailing: boolean;
  /** The problem, and what to do if the disks show it; undefined while rows are accepted. */
  sentence(disks: readonly DiskSpace[]): string | undefined;
  /**
   * While inserts fail, retries some of the failed spans, as their senders would. A process that is not
   * ready gets no traffic and would never learn that rows are accepted again. A span counts once however
   * often it is written.
   */
  tryAgain(write: (spans: readonly DecisionSpan[]) => Promise<void>): Promise<void>;
}

/** Enough that an attempt fails where an ordinary insert would. */
const MOST_SPANS = 1_000;

interface WriteFailure {
  readonly since: number;
  spans: readonly DecisionSpan[];
  error: unknown;
}

/** Tracks the outcome of the last insert. Logs only if given a logger. */
export function createWriteOutcome(options: {
  readonly now: () => number;
  readonly log: Logger | undefined;
}): WriteOutcome {
  const { now, log } = options;
  let failure: WriteFailure | undefined;
  const outage = createOutageLog({
    messages: {
      failing: 'ClickHouse does not accept rows: not ready, senders are told to retry',
      recovered: 'ClickHouse accepts rows again',
    },
    log,
    now,
  });

  function inserted(): void {
    failure = undefined;
    outage.succeeded();
  }

  function failed(spans: readonly DecisionSpan[], error: unknown): void {
    failure ??= { since: now(), spans, error };
    failure.error = error;
    failure.spans = spans.slice(0, MOST_SPANS);
    outage.failed(error);
  }

  function sentence(disks: readonly DiskSpace[]): string | undefined {
    if (failure === undefined) return undefined;
    const since = `ClickHouse has taken no rows since ${new Date(failure.since).toISOString()}`;
    const remedies = disks
      .filter(({ low }) => low)
      .map((disk) => ` ${spaceRemedy(disk)} (${spaceText(disk)}).`);
    return `${since}: ${withCode(failure.error)}${remedies.join('')}`;
  }

  return {
    inserted,
    failed,
    get isFailing() {
      return failure !== undefined;
    },
    sentence,
    async tryAgain(write) {
      const tried = failure;
      if (tried === undefined) return;
      await write(tried.spans);
      // Without an insert if their slots have frozen; the next insert will show the outcome.
      if (failure === tried) inserted();
    },
  };
}

function withCode(error: unknown): string {
  const code = codeOf(error);
  const text = printableMessage(error, 200);
  return code === undefined || text.includes(code) ? text : `${text} (${code})`;
}

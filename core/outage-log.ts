import type { Logger } from 'pino';

export interface OutageLog {
  failed(error: unknown): void;
  succeeded(): void;
  /** Whether the last attempt failed. */
  readonly isFailing: boolean;
}

export interface OutageLogOptions {
  readonly messages: { readonly failing: string; readonly recovered: string };
  /** Logs nothing without one. */
  readonly log: Logger | undefined;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const REMIND_MILLIS = 60_000;

/** Logs when something begins to fail, every minute while it does, and when it succeeds again. */
export function createOutageLog({ messages, log, now }: OutageLogOptions): OutageLog {
  let since: number | undefined;
  let loggedAt = Number.NEGATIVE_INFINITY;
  const seconds = (from: number): number => Math.round((now() - from) / 1_000);
  return {
    get isFailing() {
      return since !== undefined;
    },
    failed(error) {
      if (since !== undefined && now() - loggedAt < REMIND_MILLIS) return;
      since ??= now();
      loggedAt = now();
      log?.error({ err: error, seconds: seconds(since) }, messages.failing);
    },
    succeeded() {
      if (since === undefined) return;
      log?.info({ seconds: seconds(since) }, messages.recovered);
      since = undefined;
    },
  };
}

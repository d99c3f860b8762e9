import type { Logger } from 'pino';
import { createOutageLog } from '../../core/outage-log.ts';
import { repeat } from '../../core/repeat.ts';
import { publicationState } from '../../reports/publication-state.ts';
import type { Publisher } from './publisher.ts';

export interface ChoresOptions {
  readonly publisher: Publisher;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /**
   * Whether this process should do the work now. If several processes share it, any number may do it at once; it
   * only costs more. Default: always.
   */
  readonly isOurs?: () => boolean;
  readonly publishEveryMillis?: number;
  readonly cleanEveryMillis?: number;
}

export interface Chores {
  /** Waits for the running publication. */
  stop(): Promise<void>;
}

const RETRY_CLEANING_MILLIS = 60_000;

/** Periodic work beside writing: publishes settled slots, and cleans up. */
export function startChores(options: ChoresOptions): Chores {
  const { publisher, log, now, isOurs = () => true } = options;
  const { publishEveryMillis = 5_000, cleanEveryMillis = 3_600_000 } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const publishing = createOutageLog({
    messages: { failing: 'publication failed; retrying', recovered: 'publication succeeds again' },
    log,
    now,
  });
  const cleaning = createOutageLog({
    messages: { failing: 'cleaning failed; retrying', recovered: 'cleaning succeeds again' },
    log,
    now,
  });

  async function publish(): Promise<void> {
    if (!isOurs()) return;
    const known = [new Set(publisher.stuck.keys()), new Set(publisher.stuckHours.keys())] as const;
    await publisher.tick(signal);
    logStuck('slot', publisher.stuck, known[0]);
    logStuck('hour', publisher.stuckHours, known[1]);
    publishing.succeeded();
  }

  function logStuck(
    period: 'slot' | 'hour',
    stuck: ReadonlyMap<number, string>,
    known: ReadonlySet<number>,
  ): void {
    for (const [start, reason] of stuck) {
      if (known.has(start)) continue;
      log.error(
        { [period]: new Date(start).toISOString(), reason },
        `the ${period} cannot be published; it is retried every 5 minutes, the others are published`,
      );
    }
  }

  /** Slots that were logged already. */
  const told = new Set<number>();
  async function logLeftOut(): Promise<void> {
    const { leftOut } = await publicationState(publisher.publication.client, now());
    const news = leftOut.filter(({ slot }) => !told.has(slot));
    for (const { slot } of news) told.add(slot);
    if (news.length === 0) return;
    log.warn(
      { slots: news.map(({ slot, decisions }) => ({ slot: new Date(slot).toISOString(), decisions })) },
      'late spans arrived for slots whose other raw spans are gone: the views do not count them; originscope rebuild re-reads the slots from Kafka',
    );
  }

  let cleanAt = Number.NEGATIVE_INFINITY;
  async function clean(): Promise<void> {
    if (!isOurs() || performance.now() < cleanAt) return;
    cleanAt = performance.now() + RETRY_CLEANING_MILLIS;
    await publisher.clean();
    await logLeftOut();
    cleaning.succeeded();
    cleanAt = performance.now() + cleanEveryMillis;
  }

  const chores = Promise.all([
    repeat(publish, publishEveryMillis, signal, publishing.failed),
    repeat(clean, publishEveryMillis, signal, cleaning.failed),
  ]);
  return {
    async stop() {
      stopping.abort();
      await chores;
    },
  };
}

import type { Logger } from 'pino';
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

/** Periodic work beside writing: publishes settled slots, and cleans up. */
export function startChores(options: ChoresOptions): Chores {
  const { publisher, log, now, isOurs = () => true } = options;
  const { publishEveryMillis = 5_000, cleanEveryMillis = 3_600_000 } = options;
  const stopping = new AbortController();
  const { signal } = stopping;

  async function publish(): Promise<void> {
    if (!isOurs()) return;
    const known = [new Set(publisher.stuck.keys()), new Set(publisher.stuckHours.keys())] as const;
    await publisher.tick(signal);
    tellStuck('slot', publisher.stuck, known[0]);
    tellStuck('hour', publisher.stuckHours, known[1]);
  }

  function tellStuck(
    period: 'slot' | 'hour',
    stuck: ReadonlyMap<number, string>,
    known: ReadonlySet<number>,
  ): void {
    for (const [start, reason] of stuck) {
      if (known.has(start)) continue;
      log.error(
        { [period]: new Date(start).toISOString(), reason },
        `the ${period} cannot be published; it is tried again every 5 minutes, the others are published`,
      );
    }
  }

  /** Slots that were told of. */
  const told = new Set<number>();
  async function tellLeftOut(): Promise<void> {
    const { leftOut } = await publicationState(publisher.publication.client, now());
    const news = leftOut.filter(({ slot }) => !told.has(slot));
    for (const { slot } of news) told.add(slot);
    if (news.length === 0) return;
    log.warn(
      { slots: news.map(({ slot, decisions }) => ({ slot: new Date(slot).toISOString(), decisions })) },
      'late spans came for slots whose other raw spans are gone: the views do not count them; originscope rebuild reads the slots anew from Kafka',
    );
  }

  let cleanAt = Number.NEGATIVE_INFINITY;
  async function clean(): Promise<void> {
    if (!isOurs() || performance.now() < cleanAt) return;
    cleanAt = performance.now() + cleanEveryMillis;
    await publisher.clean();
    await tellLeftOut();
  }

  const chores = Promise.all([
    repeat(publish, publishEveryMillis, signal, (err) =>
      log.error({ err }, 'publication failed; it is tried again'),
    ),
    repeat(clean, publishEveryMillis, signal, (err) =>
      log.error({ err }, 'cleaning failed; it is tried again'),
    ),
  ]);
  return {
    async stop() {
      stopping.abort();
      await chores;
    },
  };
}

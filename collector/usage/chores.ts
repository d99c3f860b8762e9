import type { Logger } from 'pino';
import { repeat } from '../repeat.ts';
import type { Publisher } from './publisher.ts';

export interface ChoresOptions {
  readonly publisher: Pick<Publisher, 'tick' | 'clean' | 'left'>;
  readonly log: Logger;
  /**
   * Whether it is this process's turn. Where several share the work, any number may do it at once: it only
   * costs more. Default: always.
   */
  readonly isOurs?: () => boolean;
  readonly publishEveryMillis?: number;
  readonly cleanEveryMillis?: number;
}

export interface Chores {
  /** Lets the publication in hand finish. */
  stop(): Promise<void>;
}

/** What is done beside writing, again and again: publishing what has settled, and cleaning up. */
export function startChores(options: ChoresOptions): Chores {
  const { publisher, log, isOurs = () => true } = options;
  const { publishEveryMillis = 5_000, cleanEveryMillis = 3_600_000 } = options;
  const stopping = new AbortController();
  const { signal } = stopping;

  async function publish(): Promise<void> {
    if (!isOurs()) return;
    const known = new Set(publisher.left.keys());
    await publisher.tick(signal);
    const left = [...publisher.left.keys()].filter((slot) => !known.has(slot));
    if (left.length === 0) return;
    log.warn(
      { slots: left.map((slot) => new Date(slot).toISOString()) },
      'late spans came for slots whose other raw spans are gone: they stay as they were published; originscope rebuild reads them anew',
    );
  }

  let cleanAt = Number.NEGATIVE_INFINITY;
  async function clean(): Promise<void> {
    if (!isOurs() || performance.now() < cleanAt) return;
    cleanAt = performance.now() + cleanEveryMillis;
    await publisher.clean();
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

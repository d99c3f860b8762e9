import type { Kafka } from 'kafkajs';
import { repeat } from '../../../core/repeat.ts';
import { withAdmin } from '../client/connection.ts';
import { readTopic, type Topic } from '../client/topic.ts';

export interface TopicWatch {
  /** As it was last seen; asks when it was never seen. @throws as `readTopic` */
  topic(): Promise<Topic>;
  /** Whether it was there when it was last looked for. */
  readonly isThere: boolean;
  stop(): Promise<void>;
}

/** Looks for a topic now and again: whether brokers answer, and what its limits are. */
export function watchTopic(options: {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly everyMillis: number;
  /** Told when it is gone, or here again. */
  readonly changed: (error: unknown | undefined) => void;
}): TopicWatch {
  const { kafka, everyMillis, changed } = options;
  const stopping = new AbortController();
  let seen: Topic | undefined;
  let looking: Promise<Topic> | undefined;
  let isThere: boolean | undefined;

  function note(there: boolean, error?: unknown): void {
    if (isThere !== there) changed(error);
    isThere = there;
  }

  async function look(): Promise<Topic> {
    try {
      seen = await withAdmin(kafka, (admin) => readTopic(admin, options.topic));
      note(true);
      return seen;
    } catch (error) {
      note(false, error);
      throw error;
    }
  }

  /** Who asks while somebody looks gets the same answer. */
  function lookOnce(): Promise<Topic> {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  const watching = repeat(
    async () => void (await lookOnce()),
    everyMillis,
    stopping.signal,
    () => undefined,
  );
  return {
    topic: async () => seen ?? lookOnce(),
    get isThere() {
      return isThere === true;
    },
    async stop() {
      stopping.abort();
      await watching;
    },
  };
}

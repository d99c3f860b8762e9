import type { Kafka } from 'kafkajs';
import { repeat } from '../../../core/repeat.ts';
import { withAdmin } from '../client/connection.ts';
import { readTopic, type Topic } from '../client/topic.ts';

export interface TopicWatch {
  /** The last known state; queried if there is none yet. @throws as `readTopic` */
  topic(): Promise<Topic>;
  /** Whether it existed at the last check. */
  readonly isThere: boolean;
  stop(): Promise<void>;
}

/** Checks a topic periodically: whether brokers respond, and what its limits are. */
export function watchTopic(options: {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly everyMillis: number;
  /** Called when it becomes unavailable or available. */
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

  /** Concurrent calls share one query. */
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

import type { TestProject } from 'vitest/node';
import { type KafkaAddresses, startKafka, whyNoKafka } from '../kafka.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The broker of this run, or the sentence that says why there is none. */
    kafka: KafkaAddresses | string;
  }
}

/** One broker for all Kafka tests of a run; a topic of its own keeps each apart from the others. */
export default async function startKafkaOfRun(
  project: TestProject,
): Promise<(() => Promise<void>) | undefined> {
  const why = whyNoKafka();
  if (why !== undefined) {
    project.provide('kafka', why);
    return undefined;
  }
  const { nodes: _, close, ...addresses } = await startKafka();
  project.provide('kafka', addresses);
  return close;
}

import type { Admin } from 'kafkajs';
import { hasCode, OriginscopeError } from '../../../core/errors.ts';
import { endless, retry } from '../../../core/retry.ts';
import { findTopic, type Topic, topicMissing } from '../client/topic.ts';

export interface TopicPlan {
  readonly topic: string;
  readonly deadLetterTopic: string;
  readonly partitions: number;
  /** Default: 3, but at most the number of brokers. */
  readonly replication?: number | undefined;
  /** How long messages are retained: how far consumers may lag, and what can be replayed. */
  readonly keepHours: number;
  readonly keepDeadLetterDays: number;
}

const HOUR_MILLIS = 3_600_000;
const MAX_REPLICAS = 3;
/** How long brokers may take to learn of a new topic. */
const KNOWN_WITHIN_MILLIS = 30_000;
const KNOWN_POLL_MILLIS = 100;
/** Maximum size of a message, and of a batch of messages to a partition. */
const MESSAGE_BYTES = 8 * 1024 ** 2;
/** A dead letter has additional headers. */
const LETTER_HEADER_BYTES = 64 * 1024;

/** The two topics, for a cluster with this number of brokers. */
export function plannedTopics(plan: TopicPlan, brokers: number): readonly [spans: Topic, deadLetters: Topic] {
  const replication = plan.replication ?? Math.min(MAX_REPLICAS, brokers);
  const common = {
    'cleanup.policy': 'delete',
    'compression.type': 'producer',
    // Acknowledged messages survive the loss of any one broker.
    'min.insync.replicas': String(replication >= 3 ? 2 : 1),
  };
  const spans: Topic = {
    name: plan.topic,
    partitions: plan.partitions,
    replication,
    config: {
      ...common,
      // Span times are validated against the broker's clock, whichever producer wrote the message.
      'message.timestamp.type': 'LogAppendTime',
      'retention.ms': String(plan.keepHours * HOUR_MILLIS),
      'max.message.bytes': String(MESSAGE_BYTES),
    },
  };
  const deadLetters: Topic = {
    name: plan.deadLetterTopic,
    // Few messages, read in order.
    partitions: 1,
    replication,
    config: {
      ...common,
      'message.timestamp.type': 'CreateTime',
      'retention.ms': String(plan.keepDeadLetterDays * 24 * HOUR_MILLIS),
      'max.message.bytes': String(MESSAGE_BYTES + LETTER_HEADER_BYTES),
    },
  };
  return [spans, deadLetters];
}

/** The outcome for a planned topic. */
export interface TopicOutcome {
  readonly wanted: Topic;
  readonly found: 'created' | 'existing' | 'missing';
  /** Differences of the existing topic, as parts of a sentence: `partitions 6 instead of 12`. */
  readonly differences: readonly string[];
}

/**
 * Compares the planned topics with the existing ones and creates missing ones. Never changes an existing
 * topic: differences are reported.
 *
 * @throws OriginscopeError `REPLICATION_IMPOSSIBLE`; errors of kafkajs
 */
export async function createTopics(admin: Admin, plan: TopicPlan): Promise<TopicOutcome[]> {
  const brokers = await brokerCount(admin);
  assertEnoughBrokers(brokers, plan);
  const outcomes: TopicOutcome[] = [];
  for (const wanted of plannedTopics(plan, brokers)) {
    const isNew = (await findTopic(admin, wanted.name)) === undefined && (await createTopic(admin, wanted));
    outcomes.push(isNew ? { wanted, found: 'created', differences: [] } : await compare(admin, wanted));
  }
  return outcomes;
}

/** Like `createTopics`, but creates nothing. */
export async function compareTopics(admin: Admin, plan: TopicPlan): Promise<TopicOutcome[]> {
  const planned = plannedTopics(plan, await brokerCount(admin));
  return Promise.all(planned.map((wanted) => compare(admin, wanted)));
}

async function brokerCount(admin: Admin): Promise<number> {
  return (await admin.describeCluster()).brokers.length;
}

/** @returns false when it was created concurrently */
async function createTopic(admin: Admin, { name, partitions, replication, config }: Topic): Promise<boolean> {
  const created = await admin.createTopics({
    waitForLeaders: false,
    topics: [
      {
        topic: name,
        numPartitions: partitions,
        replicationFactor: replication,
        configEntries: Object.entries(config).map(([entry, value]) => ({ name: entry, value })),
      },
    ],
  });
  await topicIsKnown(admin, name);
  return created;
}

/**
 * Resolves when the brokers know a newly created topic. kafkajs's own wait fails when the broker it asks
 * has not learned of it yet.
 *
 * @throws OriginscopeError `TOPIC_MISSING` after half a minute
 */
export async function topicIsKnown(admin: Admin, name: string): Promise<void> {
  const find = async (): Promise<void> => {
    if ((await findTopic(admin, name)) === undefined) throw topicMissing(name);
  };
  await retry(find, {
    delays: endless([KNOWN_POLL_MILLIS]),
    deadlineMillis: KNOWN_WITHIN_MILLIS,
    shouldRetry: (error) => hasCode(error, 'TOPIC_MISSING'),
  });
}

async function compare(admin: Admin, wanted: Topic): Promise<TopicOutcome> {
  const present = await findTopic(admin, wanted.name);
  if (present === undefined) return { wanted, found: 'missing', differences: [] };
  const differences = [
    difference('partitions', present.partitions, wanted.partitions),
    difference('replication', present.replication, wanted.replication),
    ...Object.entries(wanted.config).map(([name, value]) => difference(name, present.config[name], value)),
  ];
  return { wanted, found: 'existing', differences: differences.filter((text) => text !== undefined) };
}

function difference(
  name: string,
  present: string | number | undefined,
  wanted: string | number,
): string | undefined {
  return present === wanted ? undefined : `${name} ${present ?? 'unknown'} instead of ${wanted}`;
}

function assertEnoughBrokers(brokers: number, { replication }: TopicPlan): void {
  if (replication === undefined || replication <= brokers) return;
  throw new OriginscopeError('REPLICATION_IMPOSSIBLE', { replication, brokers });
}

import { launchCollector } from '../../support/opentelemetry-collector/launch.ts';
import { startOriginscope } from '../../support/running-originscope.ts';

export interface Work {
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Of its own, so that the whole topic is read. */
  readonly group: string;
  /** URL with the database. */
  readonly clickhouse: string;
  /** Of the machine, as `taskset -c` takes them. */
  readonly cores: string;
}

export interface Contender {
  readonly pid: number;
  end(): Promise<unknown>;
}

export function startOurs({ brokers, topic, group, clickhouse, cores }: Work): Promise<Contender> {
  const environment = {
    ORIGINSCOPE_BROKERS: brokers.join(','),
    ORIGINSCOPE_TOPIC: topic,
    ORIGINSCOPE_GROUP: group,
    ORIGINSCOPE_CLICKHOUSE: clickhouse,
  };
  return startOriginscope('consume', environment, { cores });
}

/**
 * The OpenTelemetry Collector: Kafka receiver, batches of 10,000, ClickHouse exporter, without compression
 * towards ClickHouse, as ours.
 *
 * @param fetch settings of the receiver; larger fetches than its own cost it less processor time and more memory
 */
export function startCollector(
  { brokers, topic, group, clickhouse, cores }: Work,
  fetch: { readonly max_fetch_size?: number; readonly max_partition_fetch_size?: number } = {},
): Promise<Contender> {
  const { origin, pathname } = new URL(clickhouse);
  return launchCollector(
    {
      receivers: {
        kafka: {
          brokers,
          group_id: group,
          initial_offset: 'earliest',
          ...fetch,
          traces: { topics: [topic], encoding: 'otlp_proto' },
        },
      },
      processors: { batch: { send_batch_size: 10_000, timeout: '1s' } },
      exporters: {
        clickhouse: {
          endpoint: origin,
          database: pathname.slice(1),
          username: 'default',
          compress: 'none',
          async_insert: false,
          // Both wait for slow inserts; its default of 5 s would send them again.
          timeout: '60s',
          create_schema: true,
          sending_queue: { queue_size: 10, num_consumers: 2, block_on_overflow: true },
        },
      },
      service: {
        pipelines: { traces: { receivers: ['kafka'], processors: ['batch'], exporters: ['clickhouse'] } },
      },
    },
    { cores },
  );
}

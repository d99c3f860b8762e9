import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.ts';
import { launchCollector } from '../../support/opentelemetry-collector/launch.ts';
import { until } from '../../support/until.ts';

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

export interface RunningProgram {
  readonly pid: number;
  /** Where it is asked: the receiver's own port, or the consumer's /metrics. */
  readonly url: string;
  end(): Promise<void>;
}

const BIN = join(import.meta.dirname, '../../../cli/bin.ts');

/** `originscope consume`. */
export const startConsume = (work: Work): Promise<RunningProgram> =>
  startOriginscope('consume', '--metrics-port', work);

/** `originscope receive`. */
export const startReceive = (work: Omit<Work, 'group' | 'clickhouse'>): Promise<RunningProgram> =>
  startOriginscope('receive', '--port', work);

async function startOriginscope(
  command: string,
  portFlag: string,
  { brokers, topic, group, clickhouse, cores }: Omit<Work, 'group' | 'clickhouse'> & Partial<Work>,
): Promise<RunningProgram> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = [BIN, command, '--brokers', brokers.join(','), '--topic', topic, portFlag, String(port)];
  if (group !== undefined) args.push('--group', group);
  if (clickhouse !== undefined) args.push('--clickhouse', clickhouse);
  const child = spawn('taskset', ['-c', cores, process.execPath, ...args], {
    stdio: ['ignore', 'ignore', process.env.VERBOSE === undefined ? 'ignore' : 'inherit'],
  });
  const exited = once(child, 'exit');
  const killOnExit = () => void child.kill('SIGKILL');
  process.once('exit', killOnExit);
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`originscope ${command} ended: VERBOSE=1 shows why`);
    return fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
  }, 20);
  return {
    pid: child.pid as number,
    url,
    async end() {
      process.off('exit', killOnExit);
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/**
 * The OpenTelemetry Collector: Kafka receiver, batches of 10,000, ClickHouse exporter. Its fetches are large,
 * which makes it faster than its defaults, and its inserts are not compressed, which makes it cheaper.
 */
export function startPeer({ brokers, topic, group, clickhouse, cores }: Work): Promise<{
  readonly pid: number;
  end(): Promise<void>;
}> {
  const { origin, pathname } = new URL(clickhouse);
  return launchCollector(
    {
      receivers: {
        kafka: {
          brokers,
          group_id: group,
          initial_offset: 'earliest',
          max_fetch_size: 64 * 1024 ** 2,
          max_partition_fetch_size: 16 * 1024 ** 2,
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

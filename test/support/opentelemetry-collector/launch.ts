import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { opentelemetryCollector } from './build.ts';

export interface RunningCollector {
  readonly pid: number;
  /** The last lines that it logged. */
  said(): string;
  /** Ends it: SIGTERM lets it send what it holds. Resolves when the process is gone. */
  end(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

const LINES_KEPT = 50;

/**
 * Starts the OpenTelemetry Collector with a configuration as its documentation has it (receivers, processors,
 * exporters, service); resolves when its pipelines run.
 *
 * @param options.base a configuration file that the configuration is laid over
 * @param options.environment what `${env:NAME}` in a configuration stands for
 * @param options.cores of the machine, as `taskset -c` takes them; default: all
 */
export async function launchCollector(
  configuration: Readonly<Record<string, unknown>>,
  options: {
    readonly base?: string;
    readonly environment?: Readonly<Record<string, string>>;
    readonly cores?: string;
  } = {},
): Promise<RunningCollector> {
  const whole = {
    ...configuration,
    service: {
      telemetry: { metrics: { level: 'none' }, logs: { level: 'info' } },
      ...(configuration.service as object),
    },
  };
  const command = [opentelemetryCollector()];
  if (options.base !== undefined) command.push(`--config=file:${options.base}`);
  command.push(`--config=yaml:${JSON.stringify(whole)}`);
  if (options.cores !== undefined) command.unshift('taskset', '-c', options.cores);
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const killOnExit = () => void child.kill('SIGKILL');
  process.once('exit', killOnExit);
  const gone = once(child, 'exit').then(() => void process.off('exit', killOnExit));

  const lines: string[] = [];
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  const reader = createInterface(child.stderr).on('line', (line) => {
    lines.push(line);
    if (lines.length > LINES_KEPT) lines.shift();
    if (line.includes('Everything is ready')) resolve();
  });
  reader.once('close', () =>
    reject(new Error(`the OpenTelemetry Collector ended at its start:\n${lines.join('\n')}`)),
  );
  await ready;
  return {
    pid: child.pid as number,
    said: () => lines.join('\n'),
    async end(signal = 'SIGTERM') {
      child.kill(signal);
      await gone;
    },
  };
}

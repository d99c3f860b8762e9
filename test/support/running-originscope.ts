import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

export interface RunningOriginscope {
  readonly pid: number;
  /** The base URL of /healthz, /metrics, and a receiver's /v1/traces. */
  readonly url: string;
  /** SIGTERM; resolves with the exit code. */
  end(): Promise<number | null>;
}

const BIN = join(import.meta.dirname, '../../cli/bin.ts');
const PORT_FLAGS = { receive: '--port', consume: '--metrics-port' } as const;

/**
 * Starts `originscope receive` or `consume` on a free port; resolves when it answers. It ends with this process
 * at the latest. VERBOSE=1 shows its log.
 *
 * @param environment ORIGINSCOPE_* variables
 * @param options.cores of the machine, as `taskset -c` takes them; default: all
 * @param options.node flags for Node
 */
export async function startOriginscope(
  command: keyof typeof PORT_FLAGS,
  environment: Readonly<Record<string, string>>,
  options: { readonly cores?: string; readonly node?: readonly string[] } = {},
): Promise<RunningOriginscope> {
  const { cores, node = [] } = options;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const whole = [process.execPath, ...node, BIN, command, PORT_FLAGS[command], String(port)];
  if (cores !== undefined) whole.unshift('taskset', '-c', cores);
  const [program = '', ...args] = whole;
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'ignore', process.env.VERBOSE === undefined ? 'ignore' : 'inherit'],
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
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
      const [code] = await exited;
      return code;
    },
  };
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { CERT } from '../tls.ts';
import type { Fault, KnownFault } from './faults.ts';
import { FAULTS_PATH, type User } from './server.ts';

export interface ClickHouseServerOptions {
  /** Default: a temporary one, removed by `stop`. */
  readonly directory?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** With the certificate of test/support/tls.ts. */
  readonly tls?: boolean;
  /** Default: `default` without a password. */
  readonly users?: readonly User[];
  readonly keepAliveMillis?: number;
  /** A file with the offset of its clock in milliseconds; may change at any time. */
  readonly clockFile?: string;
}

/** The emulated server of main.ts in a separate process. */
export interface ClickHouseServer {
  /** Without a database; the same after `restart`. */
  readonly url: string;
  readonly pid: number;
  readonly directory: string;
  fault(fault: Fault): Promise<void>;
  /** The injected faults, and how often each has happened. */
  faults(): Promise<readonly KnownFault[]>;
  /** Removes all faults. */
  mend(): Promise<void>;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** After `kill`: on the same directory and port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const MAIN = join(import.meta.dirname, 'main.ts');

export async function launchClickHouseServer(
  options: ClickHouseServerOptions = {},
): Promise<ClickHouseServer> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'originscope-clickhouse-'));
  const started = await launch(directory, options.port ?? 0, options);
  let { child } = started;
  const { url } = started;
  const port = Number(new URL(url).port);

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  return {
    url,
    get pid() {
      return child.pid ?? 0;
    },
    directory,
    fault: async (fault) => void (await control(url, 'POST', JSON.stringify(fault))),
    faults: async () => JSON.parse(await control(url, 'GET')) as KnownFault[],
    mend: async () => void (await control(url, 'DELETE')),
    kill: () => end('SIGKILL'),
    async restart() {
      ({ child } = await launch(directory, port, options));
    },
    async stop() {
      await end('SIGKILL');
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function launch(directory: string, port: number, options: ClickHouseServerOptions) {
  const { tls = false, users, keepAliveMillis, clockFile } = options;
  const args = [MAIN, '--attached', '--directory', directory, '--port', String(port)];
  if (tls) args.push('--tls');
  if (users !== undefined) args.push('--users', JSON.stringify(users));
  if (keepAliveMillis !== undefined) args.push('--keep-alive-millis', String(keepAliveMillis));
  if (clockFile !== undefined) args.push('--clock-file', clockFile);
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('no standard output');
  for await (const line of createInterface({ input: child.stdout })) {
    const url = / at (\S+)$/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stdout.resume();
    return { child, url };
  }
  throw new Error('the stand-in for ClickHouse ended before it was up');
}

async function control(url: string, method: string, body?: string): Promise<string> {
  const address = new URL(FAULTS_PATH, url);
  if (address.protocol === 'http:') {
    return (await fetch(address, { method, ...(body !== undefined && { body }) })).text();
  }
  const sending = request(address, { method, ca: CERT }).end(body);
  const [response] = (await once(sending, 'response')) as [NodeJS.ReadableStream];
  return text(response);
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ServiceUrls } from './browsers/calls.ts';

/** Each service is a separate process, started as users would start it, with one more flag. */
const SCRIPTS = {
  catalog: './express-list/server.js',
  accounts: './fastify/server.js',
  search: './hono/server.js',
} as const satisfies Record<keyof ServiceUrls, string>;

const END_WITH_PARENT = new URL('./end-with-parent.js', import.meta.url).href;
/** As this file: TypeScript in a clone, JavaScript in the package. */
const REGISTER = new URL(`../instrumentation/src/register${extname(import.meta.url)}`, import.meta.url).href;

/** Longer than an instrumented process takes to send its counts. */
const STOP_MILLIS = 15_000;

export interface Services {
  readonly urls: ServiceUrls;
  /** Terminates them and waits until they have sent their spans and ended. */
  stop(): Promise<void>;
  /** Kills them, for when this process has to exit. */
  kill(): void;
}

export interface ServiceOptions {
  /** The ports to listen on; free ones by default. */
  readonly urls?: ServiceUrls | undefined;
  /** Headers for the collector, as in ORIGINSCOPE_HEADERS. */
  readonly headers?: string | undefined;
}

/**
 * Starts the three services, which report to the collector.
 *
 * @throws Error when one ends before it listens, with its output
 */
export async function startServices(collectorUrl: string, options: ServiceOptions = {}): Promise<Services> {
  const names = Object.keys(SCRIPTS) as (keyof ServiceUrls)[];
  const children = names.map((name) => start(name, collectorUrl, options));
  const kill = (): void => {
    for (const child of children) child.kill('SIGKILL');
  };
  try {
    const found = await Promise.all(children.map((child, index) => listening(child, names[index] ?? '')));
    return {
      urls: Object.fromEntries(names.map((name, index) => [name, found[index]])) as Record<
        keyof ServiceUrls,
        string
      >,
      stop: async () => {
        await Promise.all(children.map(stop));
      },
      kill,
    };
  } catch (error) {
    kill();
    throw error;
  }
}

function start(
  name: keyof ServiceUrls,
  collectorUrl: string,
  { urls, headers }: ServiceOptions,
): ChildProcess {
  const script = fileURLToPath(new URL(SCRIPTS[name], import.meta.url));
  return spawn(process.execPath, ['--import', END_WITH_PARENT, '--import', REGISTER, script], {
    env: {
      ...withoutTelemetry(process.env),
      PORT: urls === undefined ? '0' : new URL(urls[name]).port,
      OTEL_SERVICE_NAME: name,
      OTEL_RESOURCE_ATTRIBUTES: 'service.version=1.0.0,deployment.environment.name=demo',
      ORIGINSCOPE_ENDPOINT: collectorUrl,
      ...(headers !== undefined && { ORIGINSCOPE_HEADERS: headers }),
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}

/** Removes telemetry settings of the user, which would redirect the demo's services. */
function withoutTelemetry(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !/^(OTEL|ORIGINSCOPE)_/.test(name)),
  );
}

async function listening(child: ChildProcess, name: string): Promise<string> {
  const written: string[] = [];
  child.stderr?.setEncoding('utf8').on('data', (text: string) => written.push(text));
  const { stdout } = child;
  if (stdout === null) throw new Error('a service has no standard output');
  const ended = once(child, 'exit').then(() => {
    throw new Error(`The service ${name} ended before it listened:\n${written.join('')}`);
  });
  const port = new Promise<string>((resolve) => {
    createInterface(stdout).on('line', (line) => {
      const found = /^listening on port (\d+)$/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  // Once it listens, its end is not an error.
  ended.catch(() => undefined);
  return `http://${name}.localhost:${await Promise.race([port, ended])}`;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const overdue = setTimeout(() => child.kill('SIGKILL'), STOP_MILLIS);
  await ended;
  clearTimeout(overdue);
}

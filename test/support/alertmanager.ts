import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { parse, stringify } from 'yaml';
import { temporaryDirectory } from './clickhouse.ts';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

/** What to print where a test needs Alertmanager and there is none. */
export const ALERTMANAGER_MISSING =
  'Alertmanager was not found: apt-get install --no-install-recommends prometheus-alertmanager';

/** Debian's name, and that of the makers' releases. */
const PROGRAMS = ['prometheus-alertmanager', 'alertmanager'];

/** Path of an installed Alertmanager; undefined when there is none. */
export function findAlertmanager(): string | undefined {
  const directories = (process.env.PATH ?? '').split(delimiter);
  return directories
    .flatMap((directory) => PROGRAMS.map((program) => join(directory, program)))
    .find((path) => existsSync(path));
}

/** As Alertmanager's webhook sends it, as far as tests look at it. */
export interface Notification {
  readonly status: 'firing' | 'resolved';
  readonly receiver: string;
  readonly groupLabels: Readonly<Record<string, string>>;
  readonly alerts: readonly {
    readonly status: 'firing' | 'resolved';
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
    readonly startsAt: string;
    readonly endsAt: string;
  }[];
}

export interface ReceivedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  /** The bodies. */
  notifications(): Notification[];
}

/**
 * An HTTP server that keeps what is posted to it, until the test ends.
 * @param answer status of each answer, by the number of the request and its body
 */
export async function startReceiver(
  answer: (request: number, body: string) => number = () => 200,
): Promise<Receiver> {
  const requests: ReceivedRequest[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    requests.push({ headers: request.headers, path: request.url ?? '', body });
    response.writeHead(answer(requests.length, body)).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    notifications: () => requests.map(({ body }) => JSON.parse(body) as Notification),
  };
}

interface Route {
  receiver?: string;
  matchers?: string[];
  routes?: Route[];
  group_wait?: string;
  group_interval?: string;
  repeat_interval?: string;
}
interface Configuration {
  route: Route;
  receivers: { name: string; webhook_configs?: object[] }[];
}

/** The configuration that we ship, with a webhook behind each receiver, and without minutes to wait. */
export function quickConfiguration(receivers: Readonly<Record<string, string>>): string {
  const file = new URL('../../analyzer/alerting/alertmanager.yml', import.meta.url);
  const configuration = parse(readFileSync(file, 'utf8')) as Configuration;
  const quicken = (route: Route): void => {
    Object.assign(route, { group_wait: '150ms', group_interval: '200ms', repeat_interval: '1h' });
    route.routes?.forEach(quicken);
  };
  quicken(configuration.route);
  for (const receiver of configuration.receivers) {
    const url = receivers[receiver.name];
    if (url !== undefined) receiver.webhook_configs = [{ url, send_resolved: true }];
  }
  return stringify(configuration);
}

export interface RunningAlertmanager {
  readonly url: string;
  /** An answer of its API, as JSON. */
  get<Answer>(path: string): Promise<Answer>;
  post(path: string, body: object): Promise<void>;
  /** Ends the process at once; it keeps nothing. */
  kill(): Promise<void>;
}

/** Starts Alertmanager with a configuration, until the test ends. Throws when none is installed. */
export async function startAlertmanager(
  configuration: string,
  options: { readonly port?: number } = {},
): Promise<RunningAlertmanager> {
  const program = findAlertmanager();
  if (program === undefined) throw new Error(ALERTMANAGER_MISSING);
  const directory = await temporaryDirectory();
  const file = join(directory, 'alertmanager.yml');
  await writeFile(file, configuration);
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(
    program,
    [
      `--config.file=${file}`,
      `--storage.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`Alertmanager ended: ${stderr}`);
    return fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  });
  return {
    url,
    kill,
    get: async <Answer>(path: string) => (await (await fetch(`${url}/api/v2${path}`)).json()) as Answer,
    async post(path, body) {
      const { ok, status } = await fetch(`${url}/api/v2${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (!ok) throw new Error(`Alertmanager answered ${status} to ${path}`);
    },
  };
}

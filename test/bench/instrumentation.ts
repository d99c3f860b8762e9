import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { middle, spread } from './support/spread.ts';

const SERVER = join(import.meta.dirname, 'hello/server.js');
const CONNECTIONS = 16;
const WARM_UP = 20_000;

/** How a server runs: the same application each time. */
const VARIANTS = {
  bare: [],
  ours: ['--import', '@originscope/instrumentation-cors/register'],
  'instrumentation-http': ['--import', join(import.meta.dirname, 'hello/otel.js')],
} as const;
type Variant = keyof typeof VARIANTS;

/** What is asked; the number is the request's. */
const LOADS = {
  'without Origin': () => '',
  'Origin allowed': () => 'Origin: https://shop.example\r\n',
  'Origin blocked': () => 'Origin: https://evil.example\r\n',
  '1,000 origins': (number: number) => `Origin: https://o${number % 1_000}.example\r\n`,
} as const satisfies Record<string, (number: number) => string>;
type Load = keyof typeof LOADS;

/**
 * `npm run bench -- instrumentation [--requests N] [--rounds N]`: CPU time a request of a Fastify hello-world,
 * bare, with ours, and with OpenTelemetry's HTTP instrumentation and SDK; all take turns in each round.
 */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { requests: { type: 'string', default: '20000' }, rounds: { type: 'string', default: '9' } },
  });
  const requests = Number(values.requests);
  const sink = createServer((request, response) => {
    request
      .resume()
      .on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  }).listen(0, '127.0.0.1');
  await once(sink, 'listening');
  const endpoint = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`;
  const servers = new Map<string, Server>();
  try {
    // Each load has its own servers, so that pending work of one is not charged to another.
    for (const load of Object.keys(LOADS) as Load[]) {
      for (const variant of Object.keys(VARIANTS) as Variant[]) {
        const server = await startServer(variant, endpoint);
        servers.set(`${variant} ${load}`, server);
        await ask(server.port, LOADS[load], WARM_UP);
      }
    }
    const micros = new Map<string, number[]>();
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const load of Object.keys(LOADS) as Load[]) {
        for (const variant of Object.keys(VARIANTS) as Variant[]) {
          const key = `${variant} ${load}`;
          const server = servers.get(key);
          if (server === undefined) continue;
          const before = await server.cpu();
          await ask(server.port, LOADS[load], requests);
          const spent = ((await server.cpu()) - before) / requests;
          micros.set(key, [...(micros.get(key) ?? []), spent]);
        }
      }
    }
    print(micros);
  } finally {
    for (const { child } of servers.values()) child.kill('SIGKILL');
    sink.close();
    sink.closeAllConnections();
  }
}

/** Added cost a request, round by round against the bare server of the same round. */
function print(micros: ReadonlyMap<string, readonly number[]>): void {
  const of = (variant: Variant, load: Load) => micros.get(`${variant} ${load}`) ?? [];
  console.log(
    'µs of CPU a request, min / median / max of the rounds; added = against bare in the same round',
  );
  for (const load of Object.keys(LOADS) as Load[]) {
    console.log(`\n  ${load}: bare ${spread(of('bare', load))}`);
    const added = (variant: Variant) =>
      of(variant, load).map((value, round) => value - (of('bare', load)[round] ?? 0));
    for (const variant of ['ours', 'instrumentation-http'] as const) {
      console.log(`    ${variant.padEnd(20)} added ${spread(added(variant))}`);
    }
    const ratio = middle(added('ours')) / middle(added('instrumentation-http'));
    console.log(`    ours ÷ instrumentation-http: ${ratio.toFixed(2)}`);
  }
  console.log('\n  goals: without Origin ≤ 1 µs; with Origin ≤ 0.25 of what instrumentation-http adds');
}

interface Server {
  readonly child: ChildProcess;
  readonly port: number;
  /** Microseconds so far, user and system. */
  cpu(): Promise<number>;
}

async function startServer(variant: Variant, endpoint: string): Promise<Server> {
  const child = fork(SERVER, {
    execArgv: [...VARIANTS[variant]],
    env: {
      ...process.env,
      OTEL_SERVICE_NAME: 'hello',
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    },
  });
  const [port] = (await once(child, 'message')) as [number];
  return {
    child,
    port,
    async cpu() {
      child.send('cpu');
      const [{ user, system }] = (await once(child, 'message')) as [NodeJS.CpuUsage];
      return user + system;
    },
  };
}

/**
 * Sends requests over keep-alive connections, one at a time on each, so that the client's own work stays
 * small.
 */
async function ask(port: number, header: (number: number) => string, requests: number): Promise<void> {
  let asked = 0;
  const connection = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      const next = (): void => {
        if (asked >= requests) {
          socket.end();
          return;
        }
        socket.write(`GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\n${header(asked++)}\r\n`);
      };
      // The answers are small: each comes in one piece, ending with its body.
      socket.on('data', (chunk) => chunk.at(-1) === 0x7d && next());
      socket
        .on('error', reject)
        .on('close', () => resolve())
        .on('connect', next);
    });
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
}

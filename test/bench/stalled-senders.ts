import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { realisticRequest, seeded } from '../support/otlp-bodies.ts';
import { cpuOf } from './support/process-usage.ts';
import { spread } from './support/spread.ts';

const RECEIVER = join(import.meta.dirname, '../support/receiver-process.ts');
const STALLED = join(import.meta.dirname, '../support/stalled-senders-process.ts');
const AT_ONCE = 8;

/**
 * `npm run bench -- stalled-senders [--stalled N] [--requests N] [--rounds N]`: requests a second that a receiver
 * answers, and what it takes of its processor, alone and beside senders that stall in every way, in turn; receiver,
 * stalled senders and the honest one are a process each.
 */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      stalled: { type: 'string', default: '1000' },
      requests: { type: 'string', default: '5000' },
      rounds: { type: 'string', default: '5' },
    },
  });
  const receiver = launch(RECEIVER);
  try {
    const url = await lineOf(receiver);
    const measure = async (): Promise<Rate> => {
      const cpu = cpuOf(receiver.pid);
      const started = performance.now();
      await send(url, Number(values.requests));
      const seconds = (performance.now() - started) / 1_000;
      const perThousand = 1_000 / Number(values.requests);
      return { aSecond: 1_000 / perThousand / seconds, cpu: (cpuOf(receiver.pid) - cpu) * perThousand };
    };
    await measure();
    const ratios = { aSecond: [] as number[], cpu: [] as number[] };
    for (let round = 1; round <= Number(values.rounds); round++) {
      const alone = await measure();
      const stalled = launch(STALLED, url, values.stalled);
      await lineOf(stalled);
      const beside = await measure();
      stalled.kill();
      ratios.aSecond.push(beside.aSecond / alone.aSecond);
      ratios.cpu.push(alone.cpu / beside.cpu);
      console.log(`round ${round}: alone ${inWords(alone)}; beside ${values.stalled} ${inWords(beside)}`);
    }
    console.log(`requests/s, beside ÷ alone, min / median / max: ${spread(ratios.aSecond)}`);
    console.log(`requests a CPU second, beside ÷ alone: ${spread(ratios.cpu)}`);
  } finally {
    receiver.kill();
  }
}

interface Rate {
  readonly aSecond: number;
  /** Seconds of the receiver's processor for a thousand requests. */
  readonly cpu: number;
}

const inWords = ({ aSecond, cpu }: Rate): string =>
  `${Math.round(aSecond)} requests/s, ${cpu.toFixed(2)} CPU s a thousand`;

const launch = (program: string, ...args: string[]): ChildProcess =>
  spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });

/** Throws when one is not accepted. */
async function send(url: string, requests: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const traces = realisticRequest({ random: seeded(1), time: Date.now(), spans: 20 });
  const body = gzipSync(JSON.stringify(traces));
  let sent = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (sent++ < requests) await post(url, agent, body);
    }),
  );
  agent.destroy();
}

async function post(url: string, agent: Agent, body: Buffer): Promise<void> {
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
  const outgoing = request(`${url}/v1/traces`, { method: 'POST', agent, headers }).end(body);
  const [response] = await once(outgoing, 'response');
  response.resume();
  await once(response, 'end');
  if (response.statusCode !== 200) throw new Error(`a regular sender got status ${response.statusCode}`);
}

async function lineOf({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('no standard output');
  for await (const line of createInterface({ input: stdout })) return line;
  throw new Error('the process ended before it said anything');
}

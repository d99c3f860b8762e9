import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { openClickHouse } from '../../clickhouse/connection.ts';
import { migrate } from '../../clickhouse/migrations.ts';
import { createWriter } from '../../collector/ingest/writer.ts';
import { decodeTraces } from '../../collector/otlp/decode.ts';
import { acceptedWindow } from '../../collector/otlp/decoding-result.ts';
import { protobufBodies } from '../support/otlp-bodies.ts';
import { cpuOf, memoryOf } from './support/process-usage.ts';
import { spread } from './support/spread.ts';

const SPANS = 200;
const AT_ONCE = 128;
const BIN = join(import.meta.dirname, '../../cli/bin.ts');

/**
 * `npm run bench -- ingest [--spans N] [--rounds N]`: OTLP protobuf bodies of 200 decision spans through a
 * running `originscope up` into embedded ClickHouse; the sender is this process. The baseline, alternating
 * with it, is the writer alone on rows that are decoded already.
 */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { spans: { type: 'string', default: '1000000' }, rounds: { type: 'string', default: '3' } },
  });
  const spans = Number(values.spans);
  const ratios: number[] = [];
  for (let round = 1; round <= Number(values.rounds); round++) {
    const alone = await writerAlone(Math.min(spans, 1_000_000));
    const whole = await endToEnd(spans);
    ratios.push(whole / alone);
    console.log(`round ${round}: whole ÷ writer alone = ${(whole / alone).toFixed(2)}`);
  }
  console.log(`ratio, min / median / max: ${spread(ratios)}`);
}

async function endToEnd(spans: number): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'originscope-bench-'));
  const up = spawn(process.execPath, [BIN, 'up', '--data', directory, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const url = await addressOf(up);
    const next = protobufBodies();
    const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
    const bodies = Math.ceil(spans / SPANS);
    let sent = 0;
    const rss: number[] = [];
    const step = Math.max(1, Math.floor(bodies / 10));
    const send = async (): Promise<void> => {
      while (sent < bodies) {
        const number = sent++;
        if (number % step === 0) rss.push(memoryOf(up.pid, 'VmRSS'));
        const body = next(Date.now());
        while ((await post(agent, url, body)) === 503);
      }
    };
    const started = performance.now();
    await Promise.all(Array.from({ length: AT_ONCE }, send));
    const seconds = (performance.now() - started) / 1000;
    const rate = (bodies * SPANS) / seconds;
    const cpu = (cpuOf(up.pid) / (bodies * SPANS)) * 1e6;
    agent.destroy();
    console.log(
      `  whole: ${Math.round(rate).toLocaleString('en')} spans/s, ${cpu.toFixed(1)} CPU s a million spans, ` +
        `peak RSS ${memoryOf(up.pid, 'VmHWM')} MiB, on the way ${rss.join(' ')}`,
    );
    return rate;
  } finally {
    const exited = once(up, 'exit');
    up.kill('SIGTERM');
    await exited;
    rmSync(directory, { recursive: true, force: true });
  }
}

async function writerAlone(spans: number): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'originscope-bench-'));
  const clickhouse = await openClickHouse({ directory });
  try {
    await migrate(clickhouse.writing);
    const writer = createWriter({ client: clickhouse.writing, now: Date.now });
    const next = protobufBodies({ seed: 2 });
    const window = acceptedWindow(Date.now());
    const requests = Array.from(
      { length: Math.ceil(spans / SPANS) },
      () => decodeTraces(next(Date.now()), 'protobuf', window).spans,
    );
    const started = performance.now();
    let taken = 0;
    await Promise.all(
      Array.from({ length: AT_ONCE * 2 }, async () => {
        while (taken < requests.length) await writer.write(requests[taken++] ?? []);
      }),
    );
    const rate = spans / ((performance.now() - started) / 1000);
    await writer.close();
    console.log(`  writer alone: ${Math.round(rate).toLocaleString('en')} spans/s`);
    return rate;
  } finally {
    await clickhouse.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function addressOf(up: ChildProcess): Promise<string> {
  if (up.stdout === null) throw new Error('no standard output');
  for await (const line of createInterface({ input: up.stdout })) {
    const url = /http:\/\/\S+(?=,)/.exec(line)?.[0];
    if (url === undefined) continue;
    up.stdout.resume();
    return url;
  }
  throw new Error('originscope up ended before it was up');
}

function post(agent: Agent, url: string, body: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const sending = request(
      `${url}/v1/traces`,
      {
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/x-protobuf', 'content-length': body.length },
      },
      (response) => {
        const status = response.statusCode ?? 0;
        response
          .resume()
          .on('end', () =>
            status === 200 || status === 503 ? resolve(status) : reject(new Error(`answer ${status}`)),
          );
      },
    );
    sending.on('error', reject).end(body);
  });
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { openClickHouse } from '../../collector/clickhouse/connection.ts';
import { createPublisher } from '../../collector/usage/publisher.ts';
import { decisionRequest, decisionSpan, seeded } from '../support/otlp-bodies.ts';

const BIN = join(import.meta.dirname, '../../cli/bin.ts');
const SENDERS = 4;
const ORIGINS = 12;

export interface CrashResult {
  readonly kills: number;
  /** Requests that were acknowledged, and how often one had to be sent. */
  readonly requests: number;
  readonly sends: number;
  /** Decisions by origin and verdict, as the senders know them. */
  readonly ledger: Readonly<Record<string, number>>;
  /** The same as the views have them, by the minute and by the hour. */
  readonly byMinute: Readonly<Record<string, number>>;
  readonly byHour: Readonly<Record<string, number>>;
  /** Blocked requests: as sent, and as kept. */
  readonly blockedSent: number;
  readonly blockedKept: number;
}

/**
 * Kills `originscope up` again and again in the middle of traffic from senders that send the same spans
 * until they are acknowledged. Half the spans belong to slots that are published already, so publication,
 * its repetition and its interruption are part of it.
 */
export async function killUp(options: {
  readonly kills: number;
  readonly seed: number;
  readonly progress: (line: string) => void;
}): Promise<CrashResult> {
  const random = seeded(options.seed);
  const directory = mkdtempSync(join(tmpdir(), 'originscope-crash-'));
  const ledger: Record<string, number> = {};
  const port = await freePort();
  let acknowledged = 0;
  let sends = 0;
  let blockedSent = 0;
  let stopping = false;

  async function send(): Promise<void> {
    while (!stopping) {
      const request = makeRequest(random);
      for (const [key, decisions] of Object.entries(request.counts)) {
        ledger[key] = (ledger[key] ?? 0) + decisions;
      }
      blockedSent += request.blocked;
      while (!(await post(port, request.body))) await delay(20);
      acknowledged++;
    }
  }
  async function post(to: number, body: string): Promise<boolean> {
    sends++;
    try {
      const response = await fetch(`http://127.0.0.1:${to}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      const answer = (await response.json()) as { partialSuccess?: unknown };
      if (response.ok && answer.partialSuccess !== undefined) {
        throw new Rejected(`spans were rejected: ${JSON.stringify(answer)}`);
      }
      if (!response.ok && response.status !== 503) throw new Rejected(`unexpected answer ${response.status}`);
      return response.ok;
    } catch (error) {
      if (error instanceof Rejected) throw error;
      return false; // Killed, or not up yet: the same spans go again.
    }
  }

  let up: ChildProcess | undefined;
  try {
    up = await startUp(directory, port);
    const senders = Array.from({ length: SENDERS }, send);
    // A sender that fails ends the run with its error, wherever the run is.
    const failure = Promise.all(senders).then(() => undefined);
    for (let kill = 1; kill <= options.kills; kill++) {
      const before = acknowledged;
      const target = 3 + Math.floor(random() * 15);
      await Promise.race([failure, until(() => acknowledged >= before + target)]);
      const exited = once(up, 'exit');
      up.kill('SIGKILL');
      await exited;
      options.progress(
        `kill ${kill} of ${options.kills}: ${acknowledged} requests acknowledged, ${sends} sent`,
      );
      up = await startUp(directory, port);
    }
    stopping = true;
    await failure;
    const exited = once(up, 'exit');
    up.kill('SIGTERM');
    const [code] = (await exited) as [number | null];
    if (code !== 0) throw new Error(`originscope up ended with ${code} on SIGTERM`);
    const { byMinute, byHour, blocked } = await readViews(directory);
    return {
      kills: options.kills,
      requests: acknowledged,
      sends,
      ledger,
      byMinute,
      byHour,
      blockedSent,
      blockedKept: blocked,
    };
  } finally {
    stopping = true;
    if (up?.exitCode === null) up.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

class Rejected extends Error {}

async function startUp(directory: string, port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [BIN, 'up', '--data', directory, '--port', String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('originscope is up')) {
      child.stdout.resume();
      return child;
    }
  }
  throw new Error('originscope up ended before it was up');
}

async function readViews(directory: string) {
  const clickhouse = await openClickHouse({ directory });
  try {
    // Slots that got late spans are published again at most once a minute; the test need not wait for it.
    await createPublisher({
      client: clickhouse.publishing,
      now: Date.now,
      republishMillis: 0,
      readerGraceMillis: 0,
    }).tick();
    const sums = async (view: string) => {
      const result = await clickhouse.reading.query({
        query: `SELECT concat(origin, ' ', verdict) AS key, toFloat64(sum(decisions)) AS decisions FROM ${view} GROUP BY key`,
        format: 'JSONEachRow',
      });
      const rows = await result.json<{ key: string; decisions: number }>();
      return Object.fromEntries(rows.map(({ key, decisions }) => [key, decisions]));
    };
    const kept = await clickhouse.reading.query({
      query: 'SELECT toFloat64(count()) AS n FROM blocked_requests',
      format: 'JSONEachRow',
    });
    const [blocked] = await kept.json<{ n: number }>();
    return {
      byMinute: await sums('origin_usage'),
      byHour: await sums('origin_usage_hourly'),
      blocked: blocked?.n ?? 0,
    };
  } finally {
    await clickhouse.close();
  }
}

function makeRequest(random: () => number) {
  const counts: Record<string, number> = {};
  let blocked = 0;
  const spans = Array.from({ length: 50 }, () => {
    const origin = `https://app${Math.floor(random() * ORIGINS)}.example`;
    const verdict = random() < 0.3 ? 'blocked' : 'allowed';
    const decisions = 1 + Math.floor(random() * 100);
    // Half now, half in the three hours before: slots that are published, or being published.
    const time = Date.now() - (random() < 0.5 ? 0 : Math.floor(random() * 3 * 3_600_000));
    const key = `${origin} ${verdict}`;
    counts[key] = (counts[key] ?? 0) + decisions;
    if (verdict === 'blocked') blocked++;
    return decisionSpan(hex(random, 16), time, {
      'cors.decisions': decisions,
      'cors.kind': 'actual',
      'cors.verdict': verdict,
      ...(verdict === 'blocked' ? { 'cors.reason': 'acao_missing' } : {}),
      'cors.origin': origin,
    });
  });
  const body = JSON.stringify(decisionRequest(spans, { 'service.name': 'shop-api' }));
  return { body, counts, blocked };
}

function hex(random: () => number, digits: number): string {
  let text = '';
  while (text.length < digits)
    text += Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return text.slice(0, digits);
}

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5);
}

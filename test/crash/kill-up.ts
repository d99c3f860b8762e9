import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openClickHouse } from '../../collector/clickhouse/connection.ts';
import { freePort } from '../support/free-port.ts';
import { type Counts, type Kept, publishAndRead } from '../support/ledger.ts';
import { seeded } from '../support/otlp-bodies.ts';
import { startSenders } from '../support/senders.ts';
import { until } from '../support/until.ts';

const BIN = join(import.meta.dirname, '../../cli/bin.ts');
const SENDERS = 4;

export interface CrashResult {
  readonly kills: number;
  /** Requests that were acknowledged, and how often one had to be sent. */
  readonly requests: number;
  readonly sends: number;
  /** As the senders know it. */
  readonly ledger: Counts;
  readonly kept: Kept;
}

/**
 * Kills `originscope up` again and again in the middle of traffic from senders that send the same spans
 * until they are acknowledged. Publication, its repetition and its interruption are part of it.
 */
export async function killUp(options: {
  readonly kills: number;
  readonly seed: number;
  readonly progress: (line: string) => void;
}): Promise<CrashResult> {
  const random = seeded(options.seed);
  const directory = mkdtempSync(join(tmpdir(), 'originscope-crash-'));
  const port = await freePort();
  let up: ChildProcess | undefined;
  try {
    up = await startUp(directory, port);
    const senders = startSenders({ senders: SENDERS, urls: [`http://127.0.0.1:${port}`], random });
    for (let kill = 1; kill <= options.kills; kill++) {
      const target = senders.acknowledged + 3 + Math.floor(random() * 15);
      await Promise.race([senders.failure, until(() => senders.acknowledged >= target)]);
      const exited = once(up, 'exit');
      up.kill('SIGKILL');
      await exited;
      options.progress(
        `kill ${kill} of ${options.kills}: ${senders.acknowledged} requests acknowledged, ${senders.sends} sent`,
      );
      up = await startUp(directory, port);
    }
    await senders.finish();
    const exited = once(up, 'exit');
    up.kill('SIGTERM');
    const [code] = (await exited) as [number | null];
    if (code !== 0) throw new Error(`originscope up ended with ${code} on SIGTERM`);
    const clickhouse = await openClickHouse({ directory });
    try {
      return {
        kills: options.kills,
        requests: senders.acknowledged,
        sends: senders.sends,
        ledger: senders.ledger,
        kept: await publishAndRead(clickhouse, Date.now()),
      };
    } finally {
      await clickhouse.close();
    }
  } finally {
    if (up?.exitCode === null) up.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  }
}

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

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openClickHouse } from '../../clickhouse/connection.ts';
import { disturb, type Fault, noFaults, pickFault, target } from '../chaos/disturb.ts';
import { startLine } from '../chaos/line.ts';
import { isReadyAt, program } from '../chaos/victim.ts';
import { freePort } from '../support/free-port.ts';
import { type Counts, type Kept, publishAndRead } from '../support/ledger.ts';
import { seeded } from '../support/otlp-bodies.ts';
import { startSenders } from '../support/senders.ts';
import { until } from '../support/until.ts';
import { findingsOf } from '../support/verified.ts';

const BIN = join(import.meta.dirname, '../../cli/bin.ts');
const SENDERS = 4;
/** Senders wait for an answer four seconds; some of them give up, and some do not. */
const LEAST_STOP_MILLIS = 1_000;

export interface CrashResult {
  readonly faults: Readonly<Record<Fault, number>>;
  /** Requests that were acknowledged, and how often one had to be sent. */
  readonly requests: number;
  readonly sends: number;
  /** As the senders know it. */
  readonly ledger: Counts;
  readonly kept: Kept;
  /** Findings of `originscope verify`. */
  readonly findings: readonly string[];
  /** The most memory that the process took, bytes. */
  readonly peakMemory: number;
}

/**
 * Kills `originscope up` repeatedly during traffic from senders that resend the same spans until they are
 * acknowledged, stops it, and disconnects it from them. Publication, republication and interrupted
 * publication are included.
 */
export async function killUp(options: {
  readonly kills: number;
  readonly seed: number;
  readonly progress: (line: string) => void;
}): Promise<CrashResult> {
  const random = seeded(options.seed);
  const directory = mkdtempSync(join(tmpdir(), 'originscope-crash-'));
  const data = join(directory, 'data');
  const port = await freePort();
  const args = [BIN, 'up', '--data', data, '--port', String(port)];
  const up = program('up', args, {}, isReadyAt(port), join(directory, 'up.log'));
  const line = await startLine(port);
  try {
    await up.start();
    const senders = startSenders({ senders: SENDERS, urls: [`http://127.0.0.1:${line.port}`], random });
    const faults = noFaults();
    const only = target('up', up, line);
    while (faults.killed < options.kills) {
      const enough = senders.acknowledged + 3 + Math.floor(random() * 15);
      await Promise.race([senders.failure, until(() => senders.acknowledged >= enough)]);
      const fault = pickFault(random);
      faults[fault]++;
      options.progress(`${fault}: ${senders.acknowledged} requests acknowledged, ${senders.sends} sent`);
      await disturb(only, fault, { random, leastStopMillis: LEAST_STOP_MILLIS });
    }
    await senders.finish();
    const { peakMemory } = up;
    const code = await up.end();
    if (code !== 0) throw new Error(`originscope up ended with ${code} on SIGTERM`);
    const clickhouse = await openClickHouse({ directory: data });
    try {
      return {
        faults,
        requests: senders.acknowledged,
        sends: senders.sends,
        ledger: senders.ledger,
        kept: await publishAndRead(clickhouse, Date.now()),
        findings: await findingsOf(clickhouse.reading, Date.now()),
        peakMemory,
      };
    } finally {
      await clickhouse.close();
    }
  } finally {
    await up.kill();
    await line.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openClickHouse } from '../../clickhouse/connection.ts';
import { launchClickHouseServer } from '../support/clickhouse-server/launch.ts';
import { freePort } from '../support/free-port.ts';
import { startKafka } from '../support/kafka.ts';
import { kafkaClient } from '../support/kafka-run.ts';
import { type Counts, type Kept, publishAndRead } from '../support/ledger.ts';
import { mustRunOriginscope } from '../support/originscope.ts';
import { seeded } from '../support/otlp-bodies.ts';
import { startSenders } from '../support/senders.ts';
import { unread } from '../support/unread.ts';
import { until } from '../support/until.ts';
import { findingsOf } from '../support/verified.ts';
import { type Clock, createClock, inWords, isFarBehind, pickSkew, pickStep } from './clock.ts';
import { disturb, type Fault, noFaults, pickFault, type Target, target } from './disturb.ts';
import { type Line, startLine } from './line.ts';
import { isReadyAt, type Program, program } from './victim.ts';

const BIN = join(import.meta.dirname, '../../cli/bin.ts');
const OFF_CLOCK = join(import.meta.dirname, 'off-clock.ts');
/** How many faults come with a clock step. */
const STEP_SHARE = 0.5;
const RECEIVERS = 2;
const CONSUMERS = 3;
const SENDERS = 4;
const PARTITIONS = 6;
/** The shortest that brokers allow. */
const SESSION_SECONDS = 6;
const TOPIC = 'otlp_spans';
const GROUP = 'originscope';

export interface ChaosOptions {
  readonly kills: number;
  readonly seed: number;
  /** Whether the clocks of receivers, consumers and ClickHouse are off by minutes and step by hours. Default false. */
  readonly clocks?: boolean;
  readonly progress: (line: string) => void;
}

export interface ChaosResult {
  readonly faults: Readonly<Record<Fault, number>>;
  readonly clockSteps: number;
  /** Batches that were acknowledged, and how often one was sent. */
  readonly requests: number;
  readonly sends: number;
  readonly partitions: number;
  readonly ledger: Counts;
  readonly kept: Kept;
  /** Findings of `originscope verify`. */
  readonly findings: readonly string[];
  /** The most memory that a process took, bytes, by its name. */
  readonly peakMemory: Readonly<Record<string, number>>;
}

/**
 * Three brokers, two receivers, three consumers, one ClickHouse, and senders that keep a ledger; one after
 * another gets `kill -9`, is stopped for longer than the session timeout, or is disconnected, and
 * partitions are added, while their clocks step. At the end everything is restored, consumed, published and
 * read.
 */
export async function chaos({ kills, seed, clocks = false, progress }: ChaosOptions): Promise<ChaosResult> {
  const random = seeded(seed);
  const directory = mkdtempSync(join(tmpdir(), 'originscope-chaos-'));
  const cleanups: (() => Promise<unknown>)[] = [];
  try {
    const whole = await startWhole(directory, cleanups, () => (clocks ? pickSkew(random) : 0));
    const { admin } = whole;
    const senders = startSenders({
      ...{ senders: SENDERS, urls: whole.receiverUrls, random, pauseMillis: 30 },
      // A receiver that is an hour behind treats current spans as future ones.
      mayBeRejected: clocks,
    });
    const faults = noFaults();
    const mending: Promise<void>[] = [];
    const failure = Promise.withResolvers<never>();
    const unlessItFails = <Result>(work: Promise<Result>): Promise<Result> =>
      Promise.race([senders.failure, failure.promise, work]);
    let partitions = PARTITIONS;
    let clockSteps = 0;

    while (faults.killed < kills) {
      const stepping =
        clocks && random() < STEP_SHARE ? oneOf(whole.clocks.filter(canStep), random) : undefined;
      if (stepping !== undefined) {
        stepping.set(pickStep(random));
        clockSteps++;
        progress(`clock stepped: ${inWords(stepping)}`);
      }
      const target = oneOf(whole.targets.filter(canBeDisturbed), random);
      if (target === undefined) {
        await unlessItFails(delay(100));
        continue;
      }
      const fault = pickFault(random);
      faults[fault]++;
      progress(
        `${fault} ${target.name}: ${senders.acknowledged} batches acknowledged, ${senders.sends} sent`,
      );
      const mended = disturb(target, fault, { random, leastStopMillis: (SESSION_SECONDS + 1) * 1_000 });
      mended.catch(failure.reject);
      mending.push(mended);
      if (fault === 'killed' && faults.killed % Math.ceil(kills / 3) === 0 && faults.killed < kills) {
        partitions += 2;
        const topicPartitions = [{ topic: TOPIC, count: partitions }];
        await unlessItFails(patiently(() => admin.createPartitions({ topicPartitions })));
        progress(`added partitions: ${partitions} now`);
      }
      // Every fault happens during traffic.
      const enough = senders.acknowledged + 5 + Math.floor(random() * 15);
      await unlessItFails(until(() => senders.acknowledged >= enough));
    }
    await unlessItFails(Promise.all(mending));
    for (const clock of whole.clocks) clock.set(0);
    await unlessItFails(senders.finish());
    progress(`all mended, ${senders.acknowledged} batches acknowledged; reading to the end`);
    await until(async () => (await patiently(() => unread(admin, TOPIC, GROUP))) === 0, 200);

    const peakMemory = Object.fromEntries(whole.programs.map((one) => [one.name, one.peakMemory]));
    for (const { name, end } of whole.programs) {
      const code = await end();
      if (code !== 0) throw new Error(`${name} ended with ${code} on SIGTERM`);
    }
    return {
      faults,
      clockSteps,
      requests: senders.acknowledged,
      sends: senders.sends,
      partitions,
      ledger: senders.ledger,
      ...(await finalState(whole.clickhouseUrl)),
      peakMemory,
    };
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
    if (process.env.KEEP_LOGS === undefined) rmSync(directory, { recursive: true, force: true });
    else progress(`logs are in ${directory}`);
  }
}

/** Reads the final state of the database. */
async function finalState(url: string): Promise<Pick<ChaosResult, 'kept' | 'findings'>> {
  const clickhouse = await openClickHouse({ url });
  const now = Date.now() + 2 * 3_600_000;
  try {
    const kept = await publishAndRead(clickhouse, now);
    return { kept, findings: await findingsOf(clickhouse.reading, now) };
  } finally {
    await clickhouse.close();
  }
}

/** @param skew how far the next clock is off at the start */
async function startWhole(directory: string, cleanups: (() => Promise<unknown>)[], skew: () => number) {
  const clocks: Clock[] = [];
  const clockOf = (name: string): Clock => {
    const clock = createClock(directory, name, skew());
    clocks.push(clock);
    return clock;
  };
  const lineTo = async (port: number): Promise<Line> => {
    const line = await startLine(port);
    cleanups.push(line.close);
    return line;
  };
  const brokerLines: Line[] = [];
  const kafka = await startKafka({
    brokers: 3,
    async advertise(port) {
      const line = await lineTo(port);
      brokerLines.push(line);
      return line.port;
    },
  });
  cleanups.push(kafka.close);
  const clickhouse = await launchClickHouseServer({ clockFile: clockOf('clickhouse').file });
  cleanups.push(clickhouse.stop);
  const clickhouseLine = await lineTo(Number(new URL(clickhouse.url).port));
  const admin = kafkaClient(kafka.brokers).admin();
  await admin.connect();
  cleanups.push(() => admin.disconnect());

  const environment = (line: Line): Record<string, string> => ({
    ORIGINSCOPE_BROKERS: kafka.brokers.join(','),
    ORIGINSCOPE_CLICKHOUSE: `http://127.0.0.1:${line.port}/originscope`,
    ORIGINSCOPE_CLICKHOUSE_TIMEOUT: '5',
    ORIGINSCOPE_SESSION_TIMEOUT: String(SESSION_SECONDS),
  });
  await mustRunOriginscope(
    ['topics', 'create', '--partitions', String(PARTITIONS)],
    environment(clickhouseLine),
  );
  await mustRunOriginscope(['migrate'], environment(clickhouseLine));

  const started = async (
    name: string,
    args: readonly string[],
    port: number,
    line: Line,
  ): Promise<Program> => {
    const one = program(
      name,
      ['--import', OFF_CLOCK, BIN, ...args],
      { ...environment(line), CLOCK_FILE: clockOf(name).file },
      isReadyAt(port),
      join(directory, `${name}.log`),
    );
    cleanups.push(one.kill);
    await one.start();
    return one;
  };
  const receivers = Array.from({ length: RECEIVERS }, async (_, n): Promise<Part> => {
    const port = await freePort();
    const name = `receiver-${n + 1}`;
    const one = await started(name, ['receive', '--port', `${port}`], port, clickhouseLine);
    // Senders use it.
    return { program: one, line: await lineTo(port) };
  });
  const consumers = Array.from({ length: CONSUMERS }, async (_, n): Promise<Part> => {
    const port = await freePort();
    // It alone loses ClickHouse when this is cut.
    const line = await lineTo(clickhouseLine.port);
    const name = `consumer-${n + 1}`;
    return { program: await started(name, ['consume', '--metrics-port', `${port}`], port, line), line };
  });
  const parts = await Promise.all([...receivers, ...consumers]);
  const clickhouseProcess = {
    kill: clickhouse.kill,
    start: clickhouse.restart,
    stop: () => void process.kill(clickhouse.pid, 'SIGSTOP'),
    resume: () => void process.kill(clickhouse.pid, 'SIGCONT'),
  };
  return {
    admin,
    clocks,
    targets: [
      ...parts.map(({ program: one, line }) => target(one.name, one, line)),
      ...kafka.nodes.map((node, n) => target(`broker-${n + 1}`, node, brokerLines[n] as Line)),
      target('clickhouse', clickhouseProcess, clickhouseLine),
    ],
    programs: parts.map((part) => part.program),
    receiverUrls: parts.slice(0, RECEIVERS).map(({ line }) => `http://127.0.0.1:${line.port}`),
    clickhouseUrl: `${clickhouse.url}/originscope`,
  };
}

/** A program of ours, and the line that it is cut off by. */
interface Part {
  readonly program: Program;
  readonly line: Line;
}

/** Two brokers have to be in sync for anything to be accepted, and one receiver has to be there. */
function canBeDisturbed({ isDisturbed, name }: Target, _: number, all: readonly Target[]): boolean {
  const role = name.replace(/-\d+$/, '');
  return (
    !isDisturbed &&
    (role === 'consumer' || !all.some((other) => other.isDisturbed && other.name.startsWith(role)))
  );
}

/** A receiver whose clock is an hour behind rejects every current span, so the clock of the other one must not be. */
function canStep({ name }: Clock, _: number, all: readonly Clock[]): boolean {
  return (
    !name.startsWith('receiver') ||
    all.every((other) => other.name === name || !other.name.startsWith('receiver') || !isFarBehind(other))
  );
}

/** Brokers come and go. */
async function patiently<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch {
      await delay(500);
    }
  }
}

function oneOf<One>(all: readonly One[], random: () => number): One | undefined {
  return all[Math.floor(random() * all.length)];
}

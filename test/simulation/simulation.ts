import type { ClickHouse } from '../../clickhouse/connection.ts';
import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import { createWriter } from '../../collector/ingest/writer.ts';
import { beginImport } from '../../collector/publication/import.ts';
import { createPublisher, type Publisher } from '../../collector/publication/publisher.ts';
import { verify } from '../../collector/verify/verify.ts';
import { isFrozen, MAX_AHEAD_MILLIS, SLOT_MILLIS, slotOf } from '../../core/slots.ts';
import { blocked, decisionSpan } from '../support/decision-spans.ts';
import type { ClockOwner, Event, Host } from './history.ts';
import { HOSTS } from './history.ts';
import { SimulatedProcess } from './process.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What was sent under one identity, and the possible counts of the views. */
interface Sent {
  readonly span: DecisionSpan;
  /** Decisions by derivation, of requests that were acknowledged. */
  readonly acknowledged: Map<number, number>;
  /** The same of all requests, answered or not. */
  readonly offered: Map<number, number>;
}

/** A violation, as a sentence. */
export class Violation extends Error {}

const at = (time: number): string => new Date(time).toISOString().slice(5, 16);

/** The newest of the sent spans, or the same with a newer derivation. */
function again({ span, offered }: Sent, newerRules: boolean): DecisionSpan {
  const newest = Math.max(...offered.keys());
  return newerRules
    ? { ...span, derivation: newest + 1, decisions: 5_000 + newest }
    : { ...span, derivation: newest, decisions: offered.get(newest) as number };
}

/**
 * Writers, publishers, housekeeping and rebuilds of two hosts over one embedded engine, whose statements
 * interleave as a history determines, and the model of the expected counts.
 */
export class Simulation {
  readonly #clickHouse: ClickHouse;
  readonly #offsets: Record<ClockOwner, number> = { a: 0, b: 0, engine: 0 };
  readonly #writers = HOSTS.map((host) => new SimulatedProcess(`writer ${host}`));
  readonly #publishers = HOSTS.map((host) => new SimulatedProcess(`publisher ${host}`));
  readonly #imports = HOSTS.map((host) => new SimulatedProcess(`rebuild ${host}`));
  readonly #sent = new Map<string, Sent>();
  /** By host; a crashed process is replaced. */
  #writing: ReturnType<typeof createWriter>[] = [];
  #publishing: Publisher[] = [];
  /** The true time: epoch milliseconds. */
  #time: number;
  readonly #start: number;
  #spans = 0;
  #statements = 0;
  #poisoned: number | undefined;
  readonly log: string[] = [];

  constructor(clickHouse: ClickHouse) {
    this.#clickHouse = clickHouse;
    // Within what the engine keeps by its real clock.
    this.#start = Math.floor(Date.now() / DAY) * DAY - 20 * DAY + 20 * HOUR;
    this.#time = this.#start + 5 * MINUTE;
    for (const host of HOSTS) this.#begin(host);
  }

  get statements(): number {
    return this.#statements;
  }

  #now(owner: ClockOwner): number {
    return this.#time + this.#offsets[owner];
  }

  /** The engine's clock is the simulation's, and no two statements read the same time. */
  readonly #clock = (sql: string): string => {
    this.#statements++;
    const micros = BigInt(this.#now('engine')) * 1_000n + BigInt(this.#statements);
    return sql.replaceAll("now64(6, 'UTC')", `fromUnixTimestamp64Micro(toInt64(${micros}), 'UTC')`);
  };

  #index(host: Host): number {
    return HOSTS.indexOf(host);
  }

  #begin(host: Host): void {
    this.#beginWriter(host);
    this.#beginPublisher(host);
  }

  #beginWriter(host: Host): void {
    const index = this.#index(host);
    const process = this.#writers[index] as SimulatedProcess;
    this.#writing[index] = createWriter({
      client: process.gate(this.#clickHouse.writing, this.#clock),
      now: () => this.#now(host),
      maxInsertRows: 1,
      retryMillis: [],
    });
  }

  #beginPublisher(host: Host): void {
    const index = this.#index(host);
    this.#publishing[index] = this.#publisher(host, this.#publishers[index] as SimulatedProcess);
  }

  #publisher(host: Host, process: SimulatedProcess): Publisher {
    return createPublisher({
      client: process.gate(this.#clickHouse.publishing, this.#clock),
      now: () => this.#now(host),
      republishMillis: 0,
      readerGraceMillis: 0,
    });
  }

  #processes(): SimulatedProcess[] {
    return [...this.#writers, ...this.#publishers, ...this.#imports];
  }

  readonly #poison = (sql: string, parameters: Record<string, unknown>): boolean =>
    this.#poisoned !== undefined &&
    sql.startsWith('INSERT INTO usage_minutes') &&
    ((parameters.slots as number[] | undefined)?.includes(this.#poisoned / 1000) ?? false);

  async happen(event: Event): Promise<void> {
    switch (event.is) {
      case 'write': {
        const spans = Array.from({ length: event.spans }, () => this.#newSpan(this.#slot(event.slot)));
        return this.#write(event, spans);
      }
      case 'write again': {
        const known = [...this.#sent.values()];
        const sent = known[event.which % Math.max(1, known.length)];
        return sent === undefined ? undefined : this.#write(event, [again(sent, event.newerRules)]);
      }
      case 'publish':
        return this.#run(this.#publishers, event, 'publish', async () => {
          await this.#publishing[this.#index(event.host)]?.tick();
        });
      case 'clean':
        return this.#run(this.#publishers, event, 'clean', async () => {
          await this.#publishing[this.#index(event.host)]?.clean();
        });
      case 'rebuild':
        return this.#rebuild(event);
      case 'step':
        return this.#steps(this.#process(event.process), event.steps);
      case 'fault': {
        const process = this.#process(event.process);
        if (process.isBusy) await this.#step(process, event.fault);
        return;
      }
      case 'crash':
        return this.#crash(event.process, event.reachedEngine);
      case 'clock':
        this.#say(`the clock of ${event.of} is ${event.minutes} min off`);
        this.#offsets[event.of] = event.minutes * MINUTE;
        return;
      case 'time passes':
        this.#time += event.minutes * MINUTE;
        this.#say(`it is ${at(this.#time)}`);
        return;
      case 'poison':
        this.#poisoned = this.#slot(event.slot);
        this.#say(`summing slot ${at(this.#poisoned)} fails from now on`);
    }
  }

  #process(index: number): SimulatedProcess {
    return this.#processes()[index] as SimulatedProcess;
  }

  #slot(minutes: number): number {
    return this.#start + minutes * MINUTE;
  }

  async #crash(index: number, reachedEngine: boolean): Promise<void> {
    const process = this.#process(index);
    await process.settle();
    this.#say(
      `${process.name} is killed at: ${process.next}${reachedEngine ? ', which is carried out' : ''}`,
    );
    await process.crash(reachedEngine);
    const host = HOSTS[index % HOSTS.length] as Host;
    if (index < 2) this.#beginWriter(host);
    else if (index < 4) this.#beginPublisher(host);
  }

  async #steps(process: SimulatedProcess, most: number): Promise<void> {
    for (let step = 0; step < most && process.isBusy; step++) await this.#step(process);
  }

  async #step(process: SimulatedProcess, fault?: Parameters<SimulatedProcess['step']>[1]): Promise<void> {
    await process.settle();
    const line = `${process.name}: ${process.next}`;
    const outcome = await process.step(this.#poison, fault);
    this.#say(`${line}${outcome === undefined ? '' : ` — ${outcome}`}`);
  }

  #say(line: string): void {
    this.log.push(line);
  }

  async #run(
    processes: readonly SimulatedProcess[],
    { host, steps }: { readonly host: Host; readonly steps: number },
    what: string,
    job: () => Promise<void>,
  ): Promise<void> {
    const process = processes[this.#index(host)] as SimulatedProcess;
    if (!process.start(job)) return;
    this.#say(`${process.name} begins: ${what}`);
    await this.#steps(process, steps);
  }

  #newSpan(slot: number): DecisionSpan {
    const number = ++this.#spans;
    return decisionSpan({
      time: slot + (number % 10) * MINUTE,
      spanId: number.toString(16).padStart(16, '0'),
      // Every span is identified in the views by its origin.
      origin: `https://${number}.example`,
      decisions: number,
      ...(number % 3 === 0 && blocked),
    });
  }

  async #write(
    event: Extract<Event, { is: 'write' | 'write again' }>,
    spans: readonly DecisionSpan[],
  ): Promise<void> {
    const process = this.#writers[this.#index(event.host)] as SimulatedProcess;
    if (process.isBusy) return;
    const { queuedMinutes: queued } = event;
    const receivedAt = queued === undefined ? undefined : this.#time - queued * MINUTE;
    const judgedAt = receivedAt ?? this.#now(event.host);
    const latest = Math.max(judgedAt, this.#now(event.host)) + MAX_AHEAD_MILLIS;
    const taken = spans.filter(({ time }) => !isFrozen(slotOf(time), judgedAt) && time <= latest);
    for (const span of taken) {
      const sent = this.#sent.get(span.spanId) ?? { span, acknowledged: new Map(), offered: new Map() };
      sent.offered.set(span.derivation, span.decisions);
      this.#sent.set(span.spanId, sent);
    }
    const names = spans.map(({ spanId }) => Number.parseInt(spanId, 16)).join(', ');
    const what = `write spans ${names} of ${at(spans[0]?.time ?? 0)}${queued === undefined ? '' : ` from the queue, ${queued} min later`}`;
    await this.#run(this.#writers, event, what, async () => {
      await this.#writing[this.#index(event.host)]?.write(spans, receivedAt);
      for (const span of taken) {
        this.#sent.get(span.spanId)?.acknowledged.set(span.derivation, span.decisions);
      }
      this.#say(`${process.name}: ${taken.length} of ${spans.length} spans acknowledged`);
    });
  }

  /** The queue holds all that was ever offered to writers. */
  async #rebuild(event: Extract<Event, { is: 'rebuild' }>): Promise<void> {
    const process = this.#imports[this.#index(event.host)] as SimulatedProcess;
    const since = this.#slot(event.slot);
    const now = () => this.#now(event.host);
    await this.#run(this.#imports, event, `rebuild of the hour after ${at(since)}`, async () => {
      const importing = await beginImport({
        client: process.gate(this.#clickHouse.publishing, this.#clock),
        writer: createWriter({
          client: process.gate(this.#clickHouse.writing, this.#clock),
          now,
          maxInsertRows: 1,
          retryMillis: [],
        }),
        publisher: this.#publisher(event.host, process),
        now,
        conflicts: 'replace',
      });
      const spans = [...this.#sent.values()]
        .filter(({ span }) => span.time >= since && span.time < since + HOUR)
        .flatMap(({ span, offered }) =>
          [...offered].map(([derivation, decisions]) => ({ ...span, derivation, decisions })),
        );
      await importing.add(spans);
      await importing.finish();
    });
  }

  async #ask<Row>(query: string): Promise<Row[]> {
    return (await this.#clickHouse.reading.query({ query, format: 'JSONEachRow' })).json<Row>();
  }

  /** At any time: nothing is counted twice or unknown, and hours and minutes agree. */
  async checkMoment(): Promise<void> {
    const counted = await this.#counted();
    for (const [id, decisions] of counted) {
      const sent = this.#sent.get(id);
      if (sent === undefined || ![...sent.offered.values()].includes(decisions)) {
        throw new Violation(
          `The views count ${decisions} decisions of span ${id}, which was sent with ${[...(sent?.offered.values() ?? [])]}`,
        );
      }
    }
    const [hours] = await this.#ask<{ differing: number }>(
      `SELECT toUInt32(count()) AS differing FROM (
         SELECT hour, origin, sum(decisions) AS decisions FROM origin_usage_hourly GROUP BY ALL
         EXCEPT SELECT toStartOfHour(minute) AS hour, origin, sum(decisions) AS decisions FROM origin_usage GROUP BY ALL)`,
    );
    if (hours?.differing !== 0) throw new Violation('Hours and minutes differ');
  }

  async #counted(): Promise<Map<string, number>> {
    const found = await this.#ask<{ id: string; decisions: number }>(
      `SELECT lpad(lower(hex(toUInt64(extract(origin, '[0-9]+')))), 16, '0') AS id, sum(decisions) AS decisions
       FROM origin_usage GROUP BY id`,
    );
    return new Map(found.map(({ id, decisions }) => [id, decisions]));
  }

  /**
   * Runs until nothing is left to do; then every acknowledged span must be counted once, or reported as
   * left out.
   */
  async end({ verified }: { readonly verified: boolean }): Promise<void> {
    for (const process of this.#processes()) await this.#steps(process, Number.POSITIVE_INFINITY);
    for (const owner of Object.keys(this.#offsets) as ClockOwner[]) this.#offsets[owner] = 0;
    for (const host of HOSTS) this.#begin(host);
    this.#say('all clocks are right, every process is new');
    this.#time += 2 * HOUR;
    if (this.#poisoned !== undefined) {
      await this.#publishAll(false);
      await this.#checkSlotsBeside(this.#poisoned);
      this.#say('summing works again');
      this.#poisoned = undefined;
      for (const host of HOSTS) this.#begin(host);
      // A day that was put aside meanwhile is published by the next cleaning, and named as stuck until then.
      await this.#finish('clean', (publisher) => publisher.clean());
    }
    await this.#publishAll(true);
    await this.checkMoment();
    await this.#checkAcknowledged();
    if (verified) await this.#verify();
    this.#time += 80 * HOUR;
    await this.#publishAll(true);
    await this.#finish('clean', (publisher) => publisher.clean());
    await this.checkMoment();
    await this.#checkAcknowledged();
  }

  async #finish(what: string, job: (publisher: Publisher) => Promise<unknown>): Promise<unknown> {
    let result: unknown;
    await this.#run(this.#publishers, { host: 'a', steps: Number.POSITIVE_INFINITY }, what, async () => {
      result = await job(this.#publishing[0] as Publisher);
    });
    return result;
  }

  async #publishAll(toTheEnd: boolean): Promise<void> {
    for (let round = 0; round < 6; round++) {
      const done = (await this.#finish('publish', (publisher) => publisher.tick())) as
        | { slots: readonly number[]; hours: readonly number[] }
        | undefined;
      if (done !== undefined && done.slots.length === 0 && done.hours.length === 0) return;
    }
    if (toTheEnd) throw new Violation('Publication does not terminate');
  }

  async #checkSlotsBeside(poisoned: number): Promise<void> {
    const waiting = await this.#ask<{ slot: number }>(
      `SELECT toUnixTimestamp(slot) AS slot FROM slots WHERE run = 0 AND slot != toDateTime(${poisoned / 1000}, 'UTC')
         AND slot <= toDateTime(${Math.floor((this.#time - SLOT_MILLIS - 3 * MINUTE) / 1000)}, 'UTC')`,
    );
    if (waiting.length > 0) {
      throw new Violation(`${waiting.length} slots wait behind one that cannot be published`);
    }
  }

  async #verify(): Promise<void> {
    const { checks } = await verify(this.#clickHouse.reading, {
      now: this.#time,
      // Newer derivations arrive repeatedly.
      derivation: 1_000,
      pause: async () => {},
    });
    const [finding] = checks.flatMap(({ findings }) => findings);
    if (finding !== undefined) throw new Violation(`originscope verify says: ${finding.sentence}`);
  }

  async #checkAcknowledged(): Promise<void> {
    const counted = await this.#counted();
    let left: Set<string> | undefined;
    for (const [id, { span, acknowledged, offered }] of this.#sent) {
      if (acknowledged.size === 0) continue;
      const newest = Math.max(...acknowledged.keys());
      const right = [...offered]
        .filter(([derivation]) => derivation >= newest)
        .map(([, decisions]) => decisions);
      const found = counted.get(id);
      if (found !== undefined && right.includes(found)) continue;
      left ??= await this.#leftOut();
      if (left.has(id)) continue;
      throw new Violation(
        `Span ${id} of ${at(span.time)} was acknowledged with ${right} decisions, the views count ${found ?? 0}`,
      );
    }
  }

  /** Identities of the spans that the views report as not counted. */
  async #leftOut(): Promise<Set<string>> {
    const found = await this.#ask<{ id: string }>(
      `SELECT lpad(lower(hex(span)), 16, '0') AS id FROM decision_spans
       WHERE toStartOfTenMinutes(minute) IN (SELECT slot FROM left_out)`,
    );
    return new Set(found.map(({ id }) => id));
  }
}

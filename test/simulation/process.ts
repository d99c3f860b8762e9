import type { Clients } from './engine.ts';

/** A statement that a process has sent and the engine has not executed yet. */
interface Pending {
  readonly sql: string;
  readonly parameters: Record<string, unknown>;
  carryOut(): Promise<unknown>;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** The outcome of a statement that does not simply succeed. */
export type Fault = 'failed' | 'applied, answer lost' | 'applied twice';

/** A retryable error of the engine: the code of a memory limit. */
function engineError(text: string): Error {
  return Object.assign(new Error(text), { code: '241' });
}

/**
 * A process of the simulation: it runs one job at a time, and each of its statements waits for the
 * simulation, so that the statements of several processes interleave in the order of the history.
 */
export class SimulatedProcess {
  readonly name: string;
  #pending: Pending[] = [];
  #job: Promise<void> | undefined;
  #life = 0;

  constructor(name: string) {
    this.name = name;
  }

  get isBusy(): boolean {
    return this.#job !== undefined;
  }

  /** The next statement, for the history. */
  get next(): string | undefined {
    return this.#pending[0]?.sql.replace(/\s+/g, ' ').slice(0, 70);
  }

  /** A client whose statements wait. Those of a crashed process never return. */
  gate<Client extends Clients>(client: Client, clock: (sql: string) => string): Client {
    const life = this.#life;
    const wait = (sql: string, parameters: Record<string, unknown>, carryOut: () => Promise<unknown>) =>
      new Promise((resolve, reject) => {
        if (life === this.#life) this.#pending.push({ sql, parameters, carryOut, resolve, reject });
      });
    const gated: Clients = {
      command: (statement) =>
        wait(statement.query, statement.query_params ?? {}, () =>
          client.command({ ...statement, query: clock(statement.query) }),
        ) as ReturnType<Clients['command']>,
      query: (statement) =>
        wait(statement.query, statement.query_params ?? {}, async () => {
          const result = await client.query({ ...statement, query: clock(statement.query) });
          const rows = await result.json();
          return { json: async () => rows };
        }) as ReturnType<Clients['query']>,
      insertRows: (rows) =>
        wait(`INSERT INTO ${rows.table}`, {}, () => client.insertRows(rows)) as Promise<void>,
    };
    return gated as Client;
  }

  /** Begins a job unless one is running. */
  start(job: () => Promise<void>): boolean {
    if (this.#job !== undefined) return false;
    const life = this.#life;
    const running = job().then(
      () => undefined,
      () => undefined,
    );
    this.#job = running;
    void running.then(() => {
      if (life === this.#life) this.#job = undefined;
    });
    return true;
  }

  /**
   * Executes the next statement.
   *
   * @param poison whether a statement always fails
   * @returns what happened to it, unless it succeeded
   */
  async step(
    poison: (sql: string, parameters: Record<string, unknown>) => boolean,
    fault?: Fault,
  ): Promise<string | undefined> {
    await this.settle();
    const pending = this.#pending.shift();
    if (pending === undefined) return;
    let outcome: string | undefined = fault;
    if (fault === 'failed' || poison(pending.sql, pending.parameters)) {
      outcome = 'failed';
      pending.reject(engineError('Memory limit exceeded'));
    } else {
      try {
        if (fault === 'applied twice') await pending.carryOut();
        const result = await pending.carryOut();
        if (fault === 'applied, answer lost') pending.reject(engineError('The answer was lost'));
        else pending.resolve(result);
      } catch (error) {
        outcome = String(error);
        pending.reject(error as Error);
      }
    }
    await this.settle();
    return outcome;
  }

  /** Kills the process; a pending statement is executed by the engine, or never reached it. */
  async crash(reachedEngine: boolean): Promise<void> {
    await this.settle();
    const [pending] = this.#pending;
    this.#life++;
    this.#pending = [];
    this.#job = undefined;
    if (reachedEngine) await pending?.carryOut().catch(() => undefined);
  }

  /** Waits until the process waits for the engine, or has nothing to do. */
  async settle(): Promise<void> {
    while (this.#job !== undefined && this.#pending.length === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

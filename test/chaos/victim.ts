import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { until } from '../support/until.ts';

/** A process that faults are injected into. */
export interface Victim {
  /** `kill -9`; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again; resolves when it is ready. */
  start(): Promise<void>;
  /** SIGSTOP: connections stay open without responses. */
  stop(): void;
  resume(): void;
}

export interface Program extends Victim {
  readonly name: string;
  /** The most memory that any of its lives took, bytes. */
  readonly peakMemory: number;
  /** SIGTERM, and the exit code. */
  end(): Promise<number | null>;
}

/**
 * Starts one of our programs.
 *
 * @param args of node
 * @param isReady polled after each start until it returns true
 * @param logFile receives both outputs, of all runs
 */
export function program(
  name: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  isReady: () => Promise<boolean>,
  logFile: string,
): Program {
  let child: ChildProcess | undefined;
  let peakMemory = 0;
  const sample = (): void => {
    peakMemory = Math.max(peakMemory, memoryOf(child?.pid));
  };
  return {
    name,
    get peakMemory() {
      sample();
      return peakMemory;
    },
    async kill() {
      sample();
      await gone(child, 'SIGKILL');
    },
    async start() {
      const log = openSync(logFile, 'a');
      const started = spawn(process.execPath, args, {
        env: { PATH: process.env.PATH, ...environment },
        stdio: ['ignore', log, log],
      });
      closeSync(log);
      child = started;
      await until(async () => {
        if (started.exitCode !== null)
          throw new Error(`${name} ended with ${started.exitCode}: see ${logFile}`);
        // Killed while it started; it will be restarted.
        return started.signalCode !== null || (await isReady());
      }, 50);
    },
    stop: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async end() {
      sample();
      await gone(child, 'SIGTERM');
      return child?.exitCode ?? null;
    },
  };
}

async function gone(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

/** The peak of a process's resident memory, bytes; 0 when it is gone. */
function memoryOf(pid: number | undefined): number {
  try {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kibibytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Asks /readyz of a program of ours on this port. */
export function isReadyAt(port: number): () => Promise<boolean> {
  return () =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
}

import tls from 'node:tls';
import { Worker } from 'node:worker_threads';
import type { UnsentBatch } from '../delivery/batch.ts';
import type { PlainTarget } from '../delivery/target.ts';
import { type ProgramData, SYNC_SENDER_PROGRAM } from './sync-sender-program.ts';

/** A busy machine starts a thread late; the time limit for sending starts with the thread. */
const START_MILLIS = 2_000;

/**
 * Sends batches while this thread blocks, for a process whose event loop will not run again: a worker
 * thread sends them and retries until they are accepted or the time is up. It runs builtin modules only,
 * without preloads of the process, and prints nothing.
 *
 * A thread and not a child process: it works where child processes are not allowed or the executable is not
 * Node itself, needs no memory for another Node, and uses the certificates and proxies of this process.
 *
 * @returns for each batch whether it was accepted
 * @throws where threads cannot be started
 */
export function sendSynchronously(batches: readonly UnsentBatch[], limitMillis: number): boolean[] {
  const progress = new Int32Array(new SharedArrayBuffer(4 * (1 + batches.length)));
  progress[0] = -1;
  const workerData: ProgramData = {
    progress,
    limitMillis,
    batches: batches.map(({ body, target }) => ({ body, target: { ...target, tls: tlsOf(target) } })),
  };
  const worker = new Worker(SYNC_SENDER_PROGRAM, {
    eval: true,
    workerData,
    argv: [],
    // Neither NODE_OPTIONS nor `--import`: they would load the application's instrumentations and ours.
    execArgv: [],
    env: environmentOf(process.env),
    stdin: false,
    stdout: true,
    stderr: true,
  });
  worker.on('error', () => {});
  worker.unref();
  Atomics.wait(progress, 0, -1, START_MILLIS);
  const deadline = performance.now() + limitMillis;
  for (;;) {
    const settled = Atomics.load(progress, 0);
    const left = deadline - performance.now();
    if (settled === batches.length || settled === -1 || left <= 0) break;
    Atomics.wait(progress, 0, settled, left);
  }
  void worker.terminate();
  return batches.map((_, index) => Atomics.load(progress, index + 1) === 1);
}

/** Node reads this variable with every connection; the rest of the environment is not needed. */
function environmentOf({ NODE_TLS_REJECT_UNAUTHORIZED: value }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return value === undefined ? {} : { NODE_TLS_REJECT_UNAUTHORIZED: value };
}

/**
 * Applies the command-line options of this process (`--tls-min-v1.3`, `--use-system-ca`), as its own
 * connections do.
 */
function tlsOf({ url, tls: own }: PlainTarget): tls.SecureContextOptions {
  if (!url.startsWith('https:')) return own;
  const { DEFAULT_MIN_VERSION: minVersion, DEFAULT_MAX_VERSION: maxVersion, DEFAULT_CIPHERS: ciphers } = tls;
  return { minVersion, maxVersion, ciphers, ca: defaultCertificates(), ...own };
}

/** Available from Node 22.15 on; before that, certificates could only be set for the whole process. */
function defaultCertificates(): string[] | undefined {
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => string[] };
  return getCACertificates?.('default');
}

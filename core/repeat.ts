import { setTimeout as delay } from 'node:timers/promises';

/** Does the work now and again after each pause, one at a time, until told to stop. */
export async function repeat(
  work: () => Promise<void>,
  pauseMillis: number,
  signal: AbortSignal,
  failed: (error: unknown) => void,
): Promise<void> {
  while (!signal.aborted) {
    await work().catch(failed);
    await delay(pauseMillis, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

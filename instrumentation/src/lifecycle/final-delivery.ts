import type { UnsentBatch } from '../delivery/batch.ts';
import { Spool } from '../delivery/spool.ts';
import { log } from '../log.ts';
import { sendSynchronously } from './sync-sender.ts';

const spools = new Map<string, Spool>();

/** Writes the batches to their spools. Returns those that are not in a file now. */
export function keepInSpool(batches: readonly UnsentBatch[]): readonly UnsentBatch[] {
  return batches.filter((batch) => spoolOf(batch)?.write(batch) === undefined);
}

/**
 * The last that a process does for these batches: they are written to their spools, sent, and deleted there when
 * they were accepted, in this order, because the process can be killed meanwhile.
 *
 * @returns the batches that are lost
 */
export function deliverFinally(batches: readonly UnsentBatch[], limitMillis: number): readonly UnsentBatch[] {
  const names = batches.map((batch) => spoolOf(batch)?.write(batch));
  const areAccepted = send(batches, limitMillis);
  return batches.filter((batch, index) => {
    const name = names[index];
    if (areAccepted[index] && name !== undefined) spoolOf(batch)?.remove(name);
    return !areAccepted[index] && name === undefined;
  });
}

function send(batches: readonly UnsentBatch[], limitMillis: number): readonly boolean[] {
  if (limitMillis <= 0) return [];
  try {
    return sendSynchronously(batches, limitMillis);
  } catch (error) {
    log('warn', CANNOT_SEND, error);
    return [];
  }
}

const CANNOT_SEND =
  'what is unsent when the process exits cannot be sent, because it may not start threads: ' +
  'allow it (--allow-worker), or give it a spool (ORIGINSCOPE_SPOOL).';

function spoolOf({ spool: directory }: UnsentBatch): Spool | undefined {
  if (directory === undefined) return undefined;
  let spool = spools.get(directory);
  if (spool === undefined) {
    spool = new Spool(directory);
    spools.set(directory, spool);
  }
  return spool;
}

import type { UnsentBatch } from '../delivery/batch.ts';
import { Spool } from '../delivery/spool.ts';
import { log } from '../log.ts';
import { sendSynchronously } from './sync-sender.ts';

const spools = new Map<string, Spool>();

/**
 * Writes the batches to their spools.
 *
 * @returns the batches that could not be written
 */
export function keepInSpool(batches: readonly UnsentBatch[]): readonly UnsentBatch[] {
  return batches.filter((batch) => spoolOf(batch)?.write(batch) === undefined);
}

/**
 * Final attempt before the process ends: batches are written to their spools, sent, and deleted from the
 * spool once accepted, in this order, because the process can be killed at any time.
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
  'spans that are unsent when the process exits cannot be sent, because it must not start threads: ' +
  'allow threads (--allow-worker), or set a spool directory (ORIGINSCOPE_SPOOL).';

function spoolOf({ spool: directory }: UnsentBatch): Spool | undefined {
  if (directory === undefined) return undefined;
  let spool = spools.get(directory);
  if (spool === undefined) {
    spool = new Spool(directory);
    spools.set(directory, spool);
  }
  return spool;
}

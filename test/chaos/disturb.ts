import { setTimeout as delay } from 'node:timers/promises';
import type { Line } from './line.ts';
import type { Victim } from './victim.ts';

export type Fault = 'killed' | 'stopped' | 'cut';

export const noFaults = (): Record<Fault, number> => ({ killed: 0, stopped: 0, cut: 0 });

/** A component, its possible faults, and its network connection. */
export interface Target {
  readonly name: string;
  readonly victim: Victim;
  readonly line: Line;
  isDisturbed: boolean;
}

export function target(name: string, victim: Victim, line: Line): Target {
  return { name, victim, line, isDisturbed: false };
}

/** More likely ones are listed more often. */
const FAULTS: readonly Fault[] = ['killed', 'killed', 'killed', 'stopped', 'cut'];

export function pickFault(random: () => number): Fault {
  return FAULTS[Math.floor(random() * FAULTS.length)] ?? 'killed';
}

/**
 * Injects a fault; resolves when it is repaired.
 *
 * @param leastStopMillis how long a stopped process does not respond, at least
 */
export async function disturb(
  target: Target,
  fault: Fault,
  { random, leastStopMillis }: { readonly random: () => number; readonly leastStopMillis: number },
): Promise<void> {
  const { victim, line } = target;
  target.isDisturbed = true;
  if (fault === 'killed') {
    await victim.kill();
    await delay(random() * 2_000);
    await victim.start();
  } else if (fault === 'stopped') {
    victim.stop();
    await delay(leastStopMillis + random() * 4_000);
    victim.resume();
  } else {
    line.cut();
    await delay(500 + random() * 3_000);
    line.mend();
  }
  target.isDisturbed = false;
}

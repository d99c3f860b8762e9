import { setTimeout as delay } from 'node:timers/promises';

/** Waits for a condition, asking again and again. */
export async function until(condition: () => boolean | Promise<boolean>, everyMillis = 5): Promise<void> {
  while (!(await condition())) await delay(everyMillis);
}

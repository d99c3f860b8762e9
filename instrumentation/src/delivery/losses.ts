import { cleanText } from '../fetch-standard/clean-text.ts';
import { log } from '../log.ts';

/** Why decisions did not arrive although they were observed. */
export type Loss = 'refused' | 'rejected' | 'unsampled' | 'after_shutdown' | 'unsent' | 'expired' | 'failed';

const MAX_LOGGED = 300;

/** Nothing is lost silently: counted by cause, and each cause logged when it is first met. */
export class Losses {
  readonly #counts = new Map<Loss, number>();

  /** @param explain what happened and what to do; may hold text of a receiver, it is cleaned here */
  add(loss: Loss, decisions: number, explain: string): void {
    if (decisions === 0) return;
    const before = this.#counts.get(loss);
    this.#counts.set(loss, (before ?? 0) + decisions);
    if (before === undefined) {
      log('warn', `${cleanText(explain, MAX_LOGGED)} Further ones are counted and not logged.`);
    }
  }

  /** Decisions lost so far, by cause. */
  get counts(): Readonly<Partial<Record<Loss, number>>> {
    return Object.fromEntries(this.#counts);
  }
}

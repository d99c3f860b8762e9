import { cleanText } from '../fetch-standard/clean-text.ts';
import { log } from '../log.ts';

/** Why observed decisions are lost. */
export type Loss = 'refused' | 'rejected' | 'unsampled' | 'after_shutdown' | 'unsent' | 'expired' | 'failed';

const MAX_LOGGED = 300;

/** Counts losses by cause and logs the first of each cause. */
export class Losses {
  readonly #counts = new Map<Loss, number>();

  /** @param explanation what happened and what to do; may contain text of a receiver, it is sanitised here */
  add(loss: Loss, decisions: number, explanation: string): void {
    if (decisions === 0) return;
    const before = this.#counts.get(loss);
    this.#counts.set(loss, (before ?? 0) + decisions);
    if (before === undefined) {
      log('warn', `${cleanText(explanation, MAX_LOGGED)} Further ones are counted and not logged.`);
    }
  }

  /** The number of lost decisions, by cause. */
  get counts(): Readonly<Partial<Record<Loss, number>>> {
    return Object.fromEntries(this.#counts);
  }
}

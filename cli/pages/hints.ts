import { programCommand } from '../../core/program.ts';
import { COMMAND_NAMES } from '../command-names.ts';

const HINT = new RegExp(`\\boriginscope (?=(?:${COMMAND_NAMES.join('|')})(?![\\w-]))`, 'g');

/** A sentence whose mentions of commands (`originscope migrate`) are commands that run as they stand. */
export function runnableHints(sentence: string): string {
  return sentence.replace(HINT, () => `${programCommand()} `);
}

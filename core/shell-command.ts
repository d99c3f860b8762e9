import { cleaned } from './text.ts';

/**
 * A command line that a person may paste into a POSIX shell: every word reaches the program as it is, whatever
 * it holds. Words that a shell could read anything into are quoted; `~` and `=` are, too, which some shells
 * expand at the beginning of a word.
 */
export function shellCommand(words: readonly string[]): string {
  return words.map(quoted).join(' ');
}

function quoted(word: string): string {
  return /^[A-Za-z0-9_./:@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Headers may be long, but no terminal takes more. */
const MAX_LENGTH = 65_536;

/**
 * The command for a line of its own on a terminal; undefined where it cannot stand there as it is. Changed or cut
 * it would be another command, and so would each half of one that is wrapped.
 */
export function copyableCommand(command: string): string | undefined {
  return command.length <= MAX_LENGTH && cleaned(command) === command ? command : undefined;
}

import { shellCommand } from './shell-command.ts';

let program = 'originscope';

/**
 * Sets how hints call this program; `originscope` by default. Set once, when the process starts.
 *
 * @param command the beginning of a shell command that starts it again, as it was started
 */
export function callProgram(command: string): void {
  program = command;
}

/** The beginning of every hint, to which arguments are added. */
export function programCommand(): string {
  return program;
}

/** A command of this program that a person may paste into a shell. Every hint is made by this function. */
export function originscopeCommand(args: readonly string[]): string {
  return `${program} ${shellCommand(args)}`;
}

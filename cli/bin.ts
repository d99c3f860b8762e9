#!/usr/bin/env node
import '../core/node-20.ts';
import { Command, CommanderError } from 'commander';
import { OriginscopeError } from '../core/errors.ts';
import { callProgram } from '../core/program.ts';
import { VERSION } from '../core/version.ts';
import { COMMANDS } from './commands.ts';
import { errorText } from './pages/error-text.ts';
import { programOf } from './program.ts';

callProgram(
  programOf({
    script: process.argv[1] ?? '',
    node: process.execPath,
    workingDirectory: process.cwd(),
    environment: process.env,
  }),
);

const program = new Command('originscope')
  .description('The observability pipeline for cross-origin traffic')
  .version(VERSION)
  .showSuggestionAfterError();

// Only the requested command is loaded: most of the start-up time is spent loading libraries.
const words = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const wanted = words[0] === 'help' ? words[1] : words[0];
for (const [name, { description, define }] of Object.entries(COMMANDS)) {
  const command = new Command(name).description(description);
  program.addCommand(name === wanted ? await define(command) : command);
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode);
  if (!(error instanceof OriginscopeError)) throw error;
  console.error(errorText(error));
  // Everything that was open is closed by now, or is what failed.
  process.exit(1);
}

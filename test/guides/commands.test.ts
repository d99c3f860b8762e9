import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { lexer, type Token, walkTokens } from 'marked';
import { beforeAll, expect, test } from 'vitest';
import { COMMAND_NAMES } from '../../cli/command-names.ts';
import { COMMANDS } from '../../cli/commands.ts';

/** Commands of the documentation exist, with their options. What they do is tested beside the commands. */

const ROOT = join(import.meta.dirname, '../..');
const PAGES = execFileSync('git', ['ls-files', 'README.md', 'SECURITY.md', 'docs/*.md', 'examples/*.md'], {
  cwd: ROOT,
})
  .toString()
  .trim()
  .split('\n');

const commands = new Map<string, Command>();
beforeAll(async () => {
  for (const name of COMMAND_NAMES) commands.set(name, await COMMANDS[name].define(new Command(name)));
});

test.each(PAGES)('the commands in %s exist, with these options', (page) => {
  expect(codeOf(page).flatMap(commandLines).map(problemOf).filter(Boolean)).toEqual([]);
});

test('every command is in some page', () => {
  const named = new Set(
    PAGES.flatMap(codeOf)
      .flatMap(commandLines)
      .map(([name]) => name),
  );
  expect(COMMAND_NAMES.filter((name) => !named.has(name))).toEqual([]);
});

/** Shell and inline code of a page. */
function codeOf(page: string): string[] {
  const code: string[] = [];
  walkTokens(lexer(readFileSync(join(ROOT, page), 'utf8')), (token: Token) => {
    if (token.type === 'codespan' || (token.type === 'code' && token.lang === 'sh')) code.push(token.text);
  });
  return code;
}

/** The words of each line that calls the program, its name left out. */
function commandLines(code: string): string[][] {
  return code
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => line.replace(/ #.*/, '').trim())
    .flatMap(
      (line) => /^(?:\w+=\S+ )*(?:npx |docker run )?originscope ([a-z-].*)$/.exec(line)?.[1]?.trim() ?? [],
    )
    .map((words) => words.split(/\s+/));
}

/** Why a command would be rejected; undefined when it would not. */
function problemOf([name = '', ...words]: readonly string[]): string | undefined {
  let command = commands.get(name);
  if (command === undefined) return `${name}: no such command`;
  const child = command.commands.find((each) => each.name() === words[0]);
  // In prose a group of commands has no sub-command.
  if (command.commands.length > 0 && child === undefined && words.length > 0)
    return `${name} ${words[0]}: no such command`;
  command = child ?? command;
  const known = command.options.flatMap(({ long, short }) => [long, short, '--help']);
  const flags = words.filter((word) => /^--?[a-zA-Z]/.test(word)).map((word) => word.replace(/=.*/, ''));
  const wrong = flags.find((flag) => !known.includes(flag));
  return wrong === undefined ? undefined : `${name} ${words.join(' ')}: ${wrong} is not an option`;
}

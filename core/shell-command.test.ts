import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { probeCommand } from '../explain/probe-command.ts';
import { shellCommand } from './shell-command.ts';

/** What the program `originscope` would be given by a shell that reads the command. */
function wordsIn(command: string): string[] {
  const script = `originscope() { printf '%s\\0' "$@"; }\n${command}\n`;
  const output = execFileSync('sh', ['-c', script], { encoding: 'utf8', cwd: '/', stdio: 'pipe' });
  return output.split('\0').slice(0, -1);
}

const HOSTILE = [
  '; touch /tmp/owned',
  '$(id)',
  '`id`',
  '$HOME',
  '~root',
  '~',
  '=ls',
  '*',
  '?',
  '{a,b}',
  '[a-z]',
  '!!',
  '#',
  "'",
  "''; id; '",
  '"',
  '\\',
  'a\\',
  'a b',
  'a\nid\n',
  '> /dev/null',
  '| id',
  '&',
  '',
  '-rf',
  '\ttab',
  'münchen',
];

test('a real shell hands every word on as it is', () => {
  expect(wordsIn(shellCommand(['originscope', ...HOSTILE]))).toEqual(HOSTILE);

  const word = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary', maxLength: 30 }));
  const words = fc.array(
    word.map((text) => text.replaceAll('\0', '').toWellFormed()),
    { minLength: 1, maxLength: 50 },
  );
  fc.assert(
    fc.property(words, (given) => {
      expect(wordsIn(shellCommand(['originscope', ...given]))).toEqual(given);
    }),
    { numRuns: 50 },
  );
});

test('plain words stay as they are, so that a command can be read', () => {
  expect(shellCommand(['originscope', 'report', '--service', 'shop-api', '--since', '2h'])).toBe(
    'originscope report --service shop-api --since 2h',
  );
});

test('a suggested probe asks for what was recorded and nothing else', () => {
  for (const hostile of HOSTILE) {
    const command = probeCommand({
      url: `https://api.example/?q=${hostile}`,
      origin: hostile,
      method: hostile || 'PUT',
      headers: [[hostile, hostile]],
    });
    expect(wordsIn(command)).toEqual([
      'probe',
      `https://api.example/?q=${hostile}`,
      '--origin',
      hostile,
      '--method',
      hostile || 'PUT',
      '-H',
      `${hostile}: ${hostile}`,
    ]);
  }
});

test('what is no URL cannot become an option of the probe', () => {
  expect(wordsIn(probeCommand({ url: '--send', origin: 'https://app.example' }))).toEqual([
    'probe',
    'URL',
    '--origin',
    'https://app.example',
  ]);
});

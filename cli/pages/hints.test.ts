import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ERRORS, type ErrorCode } from '../../core/error-codes.ts';
import { OriginscopeError } from '../../core/errors.ts';
import { callProgram, originscopeCommand } from '../../core/program.ts';
import { INCIDENT_EXAMPLES } from '../../test/support/incident-examples.ts';
import { COMMAND_NAMES } from '../command-names.ts';
import { renderAlert } from './alert-page.ts';
import { errorText } from './error-text.ts';
import { runnableHints } from './hints.ts';
import { explainText, renderText } from './pasted-text-page.ts';
import { renderReport } from './report-page.ts';

const ROOT = join(import.meta.dirname, '../..');
const PROGRAM = 'npx originscope';
const WIDE = { width: 100, color: false };

/** A mention of a command, with what stands before it. */
const MENTION = new RegExp(`(\\S+ )?\\boriginscope (${COMMAND_NAMES.join('|')})(?![\\w-])`, 'g');

beforeAll(() => callProgram(PROGRAM));
afterAll(() => callProgram('originscope'));

function expectRunnable(page: string): number {
  const mentions = [...stripVTControlCharacters(page).matchAll(MENTION)];
  for (const [mention] of mentions) expect(mention).toContain(PROGRAM);
  return mentions.length;
}

test('every command in a remedy runs as it stands', () => {
  const codes = Object.keys(ERRORS) as ErrorCode[];
  const mentions = codes.map((code) => {
    const { remedy } = ERRORS[code];
    return expectRunnable(errorText(new OriginscopeError('SETTING_INVALID', { ...FILLED, remedy })));
  });
  expect(mentions.filter((count) => count > 0).length).toBeGreaterThan(4);
});

const FILLED = { source: '--port', problem: 'is not valid', expected: 'a number' };

test('every command on the pages of reports, alerts and pasted texts runs as it stands', () => {
  const report = {
    since: '2026-11-28T01:00:00Z',
    until: '2026-11-28T02:00:00Z',
    services: [],
    furtherServices: 0,
    resolution: 'minute' as const,
    truncated: false,
    troubles: ['"originscope rebuild --since A --until B" publishes these slots again'],
  };
  expect(expectRunnable(renderReport(report, WIDE))).toBe(2);
  for (const incident of Object.values(INCIDENT_EXAMPLES)) {
    const page = renderAlert(
      { incident, resolvedAt: undefined },
      incident.startedAt,
      { runbooks: 'docs/runbooks' },
      WIDE,
    );
    expect(expectRunnable(page)).toBeGreaterThan(0);
  }
  const message =
    "Access to fetch at 'https://api.example/items' from origin 'https://app.example' has been blocked by CORS policy: No 'Access-Control-Allow-Origin' header is present on the requested resource.";
  expect(expectRunnable(renderText(explainText(message), WIDE))).toBe(1);
});

test('sentences about the program itself stay as they are', () => {
  const sentence = 'originscope is up; originscope reports; the running originscope process';
  expect(runnableHints(sentence)).toBe(sentence);
  expect(runnableHints('Run "originscope migrate".')).toBe('Run "npx originscope migrate".');
  expect(originscopeCommand(['report', '--service', "it's"])).toBe(
    "npx originscope report --service 'it'\\''s'",
  );
});

test('no command is put together without the function for it', () => {
  const folders = ['analyzer', 'cli', 'clickhouse', 'collector', 'core', 'dashboards', 'examples', 'explain'];
  const sources = [...folders, 'reports', 'server'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => join(folder, file)),
  );
  const found = sources.filter((file) => /'originscope', /.test(readFileSync(join(ROOT, file), 'utf8')));
  // The name of a script, not of a command that is shown.
  expect(found).toEqual(['cli/program.ts']);
});

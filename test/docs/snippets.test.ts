import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lexer, type Token, walkTokens } from 'marked';
import { parseSync } from 'oxc-parser';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';

/**
 * Every snippet of the documentation is valid in its language. What can be run in seconds is run by tests of its own:
 * test/guides, test/packaging/installed.test.ts, collector/derivation/recipes.test.ts, analyzer/alerting/webhook.test.ts.
 */

const ROOT = join(import.meta.dirname, '../..');
const files = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'instrumentation/README.md',
  'docs/*.md',
  'examples/*.md',
];
const PAGES = execFileSync('git', ['ls-files', '-co', '--exclude-standard', ...files], { cwd: ROOT })
  .toString()
  .trim()
  .split('\n');

interface Snippet {
  readonly language: string;
  readonly code: string;
}

/** Of each language, what is wrong with code; empty when nothing is. */
const CHECKS: Readonly<Record<string, (code: string) => string>> = {
  sh: (code) => spawnSync('bash', ['-n'], { input: code, encoding: 'utf8' }).stderr,
  js: (code) => errorsOf('snippet.js', code),
  ts: (code) => errorsOf('snippet.ts', code),
  yaml: (code) =>
    parseAllDocuments(code)
      .flatMap(({ errors }) => errors.map(({ message }) => message))
      .join('\n'),
};

/** Read by people, or by programs that no test has; test/guides/sql.test.ts runs queries. */
const UNCHECKED = ['go', 'http', 'mermaid', 'nginx', 'sql', 'text', 'xml', ''];

function snippetsOf(page: string): Snippet[] {
  const snippets: Snippet[] = [];
  walkTokens(lexer(readFileSync(join(ROOT, page), 'utf8')), (token: Token) => {
    if (token.type === 'code') snippets.push({ language: token.lang ?? '', code: token.text });
  });
  return snippets;
}

const errorsOf = (file: string, code: string): string =>
  parseSync(file, code)
    .errors.map(({ message }) => message)
    .join('\n');

test.each(PAGES)('the snippets of %s are valid in their languages', (page) => {
  for (const { language, code } of snippetsOf(page)) {
    const check = CHECKS[language];
    if (check === undefined) expect(UNCHECKED, code).toContain(language);
    else expect(check(code), code).toBe('');
  }
});

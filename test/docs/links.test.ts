import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import GithubSlugger from 'github-slugger';
import { lexer, type Token, walkTokens } from 'marked';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

/** All Markdown files that are committed or about to be. */
const PAGES = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], { cwd: ROOT })
  .toString()
  .split('\n')
  .filter((path) => path !== '' && !path.startsWith('test/fixtures/') && existsSync(join(ROOT, path)));

function tokensOf(path: string): Token[] {
  const tokens: Token[] = [];
  walkTokens(lexer(readFileSync(join(ROOT, path), 'utf8')), (token) => void tokens.push(token));
  return tokens;
}

/** The anchors of a page's headings, as GitHub creates them. */
function anchorsOf(path: string): ReadonlySet<string> {
  const slugger = new GithubSlugger();
  const headings = tokensOf(path).flatMap((token) => (token.type === 'heading' ? [String(token.text)] : []));
  // An underscore is part of a name here: `acao_missing`.
  const markup = /[`*]|\[([^\]]*)\]\([^)]*\)/g;
  return new Set(headings.map((text) => slugger.slug(text.replaceAll(markup, '$1'))));
}

const hrefsOf = (path: string): string[] =>
  tokensOf(path).flatMap((token) => (token.type === 'link' || token.type === 'image' ? [token.href] : []));

/** Why a link of a page does not work; undefined when it does, or leads outside the repository. */
function problemOf(page: string, href: string): string | undefined {
  if (/^[a-z]+:/i.test(href)) return undefined;
  const [path = '', anchor] = decodeURI(href).split('#', 2);
  const target = path === '' ? page : relative(ROOT, join(ROOT, dirname(page), path));
  if (target.startsWith('..') || !existsSync(join(ROOT, target))) return `${href}: no such file`;
  if (anchor === undefined || !target.endsWith('.md')) return undefined;
  return anchorsOf(target).has(anchor) ? undefined : `${href}: no such heading`;
}

test.each(PAGES)('the links of %s lead to existing files and headings', (page) => {
  const problems = hrefsOf(page).map((href) => problemOf(page, href));
  expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
});

test('the index links every page and folder of docs', () => {
  const linked = hrefsOf('docs/README.md').map((href) => relative(ROOT, join(ROOT, 'docs', href)));
  const pages = PAGES.filter((path) => /^docs\/([^/]+\.md|[^/]+\/README\.md)$/.test(path));
  expect(pages.filter((path) => path !== 'docs/README.md' && !linked.includes(path))).toEqual([]);
});

test('every top-level folder of sources has a README', () => {
  const folders = execFileSync('git', ['ls-files'], { cwd: ROOT })
    .toString()
    .split('\n')
    .flatMap((path) => (path.includes('/') && !path.startsWith('.') ? [path.split('/', 1)[0] ?? ''] : []));
  const missing = [...new Set(folders)].filter(
    (folder) => statSync(join(ROOT, folder)).isDirectory() && !existsSync(join(ROOT, folder, 'README.md')),
  );
  expect(missing).toEqual([]);
});

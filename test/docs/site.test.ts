import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lexer, walkTokens } from 'marked';
import { expect, test } from 'vitest';
import { slugOf } from '../../docs/site/markdown.ts';
import { FOR_CONTRIBUTORS } from '../../docs/site/navigation.ts';
import { llmsText, readSite } from '../../docs/site/pages.ts';
import { REASONS } from '../../instrumentation/src/fetch-standard/decision.ts';

const ROOT = join(import.meta.dirname, '../..');
const site = readSite();
const markdownOf = (path: string): string => site.pages.get(path)?.markdown ?? '';

test('every page of docs is on the site, except those for contributors', () => {
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', 'docs/*.md'], { cwd: ROOT })
    .toString()
    .split('\n')
    .filter((file) => file !== '' && file !== 'docs/README.md' && !file.startsWith('docs/site/'));
  const missing = files.filter((file) => {
    const path = file.replace(/^docs\//, '').replace(/(^|\/)README\.md$/, '$1index.md');
    return !site.pages.has(path) && path !== 'reasons.md' && !FOR_CONTRIBUTORS.includes(file);
  });
  expect(missing).toEqual([]);
});

test('the sidebar lists every page, and each once', () => {
  const links = site.sidebar.flatMap(({ items }) => items.map(({ link }) => link.slice(1)));
  expect(links.toSorted()).toEqual([...site.pages.keys()].filter((path) => path !== 'index.md').sort());
});

/** `npm run docs` checks the pages of links, not their headings. */
test.each([...site.pages.keys()])('the links of /%s lead to existing pages and headings', (path) => {
  const broken = linksOf(markdownOf(path)).filter((href) => {
    const [target = '', anchor] = href.split('#', 2);
    const page = target === '' ? path : target.slice(1);
    if (!site.pages.has(page)) return true;
    return anchor !== undefined && !anchorsOf(markdownOf(page)).includes(anchor);
  });
  expect(broken).toEqual([]);
});

test('the links of the home page lead to existing pages', () => {
  const links = [...markdownOf('index.md').matchAll(/link: (\/[a-z/-]+)/g)].map(([, link = '']) => link);
  expect(links.length).toBeGreaterThan(3);
  const paths = links.map((link) => `${link.slice(1)}${link.endsWith('/') ? 'index' : ''}.md`);
  expect(paths.filter((path) => !site.pages.has(path))).toEqual([]);
});

test('every reason has a page with its remedy, titled as consoles say it', () => {
  const titles = REASONS.map((reason) => site.pages.get(`reasons/${reason}.md`)?.title ?? reason);
  expect(new Set(titles).size).toBe(REASONS.length);
  expect(titles).toContain(`No 'Access-Control-Allow-Origin' header is present on the requested resource.`);
  for (const reason of REASONS) expect(markdownOf(`reasons/${reason}.md`), reason).toContain('**Remedy:**');
  const overview = markdownOf('reasons/index.md');
  for (const reason of REASONS) expect(overview).toContain(`(/reasons/${reason}.md)`);
  expect(overview).not.toContain('**Remedy:** The response does not contain this origin');
});

test('the quick start and the concepts say what the README and the architecture say', () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const [picture = 'none'] = /```\n ?.*your service[\s\S]*?```/.exec(readme) ?? [];
  expect(markdownOf('concepts.md')).toContain(picture);
  expect(markdownOf('concepts.md')).toContain('| decision span |');
  expect(markdownOf('quick-start.md')).toContain('npm ci && npm run demo');
  expect(markdownOf('quick-start.md')).not.toContain('<!-- include');
});

test('llms.txt has every page with its title and first sentence', () => {
  const text = llmsText(site);
  for (const path of site.pages.keys()) if (path !== 'index.md') expect(text).toContain(`](/${path})`);
  expect(text).toMatch(/^# Originscope\n\n> A blocked cross-origin request is invisible from both ends/);
  expect(text).toContain('- [Quick start](/quick-start.md): Five minutes from a clone');
});

/** Links inside the site. */
function linksOf(markdown: string): string[] {
  const links: string[] = [];
  walkTokens(lexer(markdown), (token) => {
    if (token.type === 'link' && !/^[a-z]+:/i.test(token.href)) links.push(token.href);
  });
  return links;
}

function anchorsOf(markdown: string): string[] {
  const anchors: string[] = [];
  walkTokens(lexer(markdown), (token) => {
    if (token.type === 'heading') anchors.push(slugOf(String(token.text)));
  });
  return anchors;
}

import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Reason } from '../../instrumentation/src/fetch-standard/decision.ts';
import { type LinkTargets, rewriteLinks } from './links.ts';
import { sectionOf, summaryOf, titleOf } from './markdown.ts';
import { SECTIONS } from './navigation.ts';
import { reasonPages } from './reason-pages.ts';

const ROOT = join(import.meta.dirname, '../..');

/** A page as VitePress renders it. */
export interface SitePage {
  readonly title: string;
  /** The first sentence. */
  readonly summary: string;
  readonly markdown: string;
}

export interface Site {
  /** By path below the site. */
  readonly pages: ReadonlyMap<string, SitePage>;
  readonly sidebar: readonly SidebarGroup[];
}

export interface SidebarGroup {
  readonly text: string;
  readonly collapsed: boolean;
  readonly items: readonly { readonly text: string; readonly link: string }[];
}

/**
 * All pages of the site, made of the Markdown files of the repository.
 *
 * @throws Error when a link or an include has no target
 */
export function readSite(): Site {
  const sources = new Map(SECTIONS.flatMap(({ pages }) => pages.map(({ source, path }) => [source, path])));
  const reasons = reasonPages(read('docs/reasons.md'));
  const targets: LinkTargets = {
    pageOf: (source) => sources.get(source),
    isReason: (anchor) => reasons.pages.has(anchor as Reason),
  };
  const pages = new Map<string, SitePage>();
  const add = (path: string, source: string, text: string): void => {
    const markdown = rewriteLinks(text, source, targets);
    pages.set(path, { title: titleOf(markdown), summary: summaryOf(markdown), markdown });
  };
  add('index.md', 'docs/site/pages/index.md', read('docs/site/pages/index.md'));
  for (const [source, path] of sources) {
    const text = source === 'docs/reasons.md' ? reasons.overview : read(source);
    add(path, source, included(text, source, targets));
  }
  for (const [reason, text] of reasons.pages) add(`reasons/${reason}.md`, 'docs/reasons.md', text);
  return { pages, sidebar: sidebarOf(pages, [...reasons.pages.keys()]) };
}

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Replaces `<!-- include: path#heading -->` with the section under that heading, so that nothing is written twice. */
function included(markdown: string, source: string, targets: LinkTargets): string {
  return markdown.replace(/^<!-- include: ([^#\s]+)#(\S+) -->$/gm, (_, path: string, anchor: string) => {
    const file = posix.join(posix.dirname(source), path);
    return rewriteLinks(sectionOf(read(file), anchor), file, targets);
  });
}

function sidebarOf(pages: Site['pages'], reasons: readonly Reason[]): SidebarGroup[] {
  return SECTIONS.map(({ title, pages: listed }, i) => ({
    text: title,
    collapsed: i > 1,
    items: [
      ...listed.map(({ path }) => ({ text: pages.get(path)?.title ?? path, link: `/${path}` })),
      ...(title === 'Reasons'
        ? reasons.map((reason) => ({ text: reason, link: `/reasons/${reason}.md` }))
        : []),
    ],
  }));
}

/** https://llmstxt.org: what there is to read, as Markdown. */
export function llmsText({ pages, sidebar }: Site): string {
  const home = pages.get('index.md');
  return [
    '# Originscope',
    `> ${home?.summary ?? ''}`,
    ...sidebar.map(({ text, items }) =>
      [`## ${text}`, '', ...items.map(({ link }) => line(link, pages.get(link.slice(1))))].join('\n'),
    ),
    '',
  ].join('\n\n');
}

function line(link: string, page: SitePage | undefined): string {
  return `- [${page?.title}](${link})${page?.summary ? `: ${page.summary}` : ''}`;
}

import { existsSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { MOVED } from './navigation.ts';
import { REPOSITORY } from './repository.ts';

const ROOT = join(import.meta.dirname, '../..');

export interface LinkTargets {
  /** Path of the page below the site that is made of a source. */
  pageOf(source: string): string | undefined;
  /** Whether a heading of docs/reasons.md is a page of its own. */
  isReason(anchor: string): boolean;
}

/**
 * Rewrites the relative links of a Markdown text: to pages of the site from its root on, to other files into the
 * repository.
 *
 * @param source the file that holds the text, from the root of the repository on
 * @throws Error when the target of a link does not exist
 */
export function rewriteLinks(markdown: string, source: string, targets: LinkTargets): string {
  return outsideCode(markdown, (text) =>
    text.replace(/\]\(([^()\s]+)\)/g, (_, href: string) => `](${rewritten(href, source, targets)})`),
  );
}

function rewritten(href: string, source: string, targets: LinkTargets): string {
  // Elsewhere, or rewritten before.
  if (/^([a-z]+:|\/)/i.test(href)) return href;
  const [path = '', anchor] = href.split('#', 2);
  const target = path === '' ? source : posix.join(dirname(source), path).replace(/\/$/, '');
  const hash = anchor === undefined ? '' : `#${anchor}`;
  const moved = MOVED[target + hash];
  if (moved !== undefined) return `/${moved}`;
  if (target === 'docs/reasons.md' && anchor !== undefined && targets.isReason(anchor)) {
    return `/reasons/${anchor}.md`;
  }
  const page = targets.pageOf(target);
  if (page !== undefined) return `/${page}${hash}`;
  if (target.startsWith('..') || !existsSync(join(ROOT, target))) {
    throw new Error(`${source}: the target of ${href} does not exist`);
  }
  const kind = statSync(join(ROOT, target)).isDirectory() ? 'tree' : 'blob';
  return `${REPOSITORY}/${kind}/main/${target}${hash}`;
}

/** Applies a function to everything but fenced code. */
function outsideCode(markdown: string, change: (text: string) => string): string {
  return markdown
    .split(/(^ *(`{3,})[^\n]*\n[\s\S]*?^ *\2 *$)/m)
    .filter((part) => part !== undefined && !/^`{3,}$/.test(part))
    .map((part) => (/^ *```/.test(part) ? part : change(part)))
    .join('');
}

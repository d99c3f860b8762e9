import GithubSlugger from 'github-slugger';

/** The anchors of headings are those of GitHub, so that one link works in both places. */
export const slugOf = (heading: string): string =>
  new GithubSlugger().slug(heading.replaceAll(/[`*]|\[([^\]]*)\]\([^)]*\)/g, '$1'));

/** The text of the first heading, without its markup. */
export function titleOf(markdown: string): string {
  const [, title] = /^##? (.+)$/m.exec(markdown) ?? [];
  if (title === undefined) throw new Error(`no heading in ${markdown.slice(0, 80)}`);
  return title.replaceAll(/[`*]|\\(?=[*<_])/g, '');
}

/** The first sentence of the first paragraph as plain text; empty without one. */
export function summaryOf(markdown: string): string {
  const blocks = markdown.replace(/^---\n[\s\S]*?\n---\n/, '').split(/\n{2,}/);
  const paragraph = blocks.map((block) => block.trim()).find((block) => /^[A-Z`*@]/.test(block)) ?? '';
  const text = paragraph.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, '');
  return /^.*?\.(?= [A-Z]|$)/s.exec(text)?.[0] ?? '';
}

/**
 * The text below a heading, up to the next heading of the same or a higher level.
 *
 * @throws Error when there is no such heading
 */
export function sectionOf(markdown: string, anchor: string): string {
  const lines = markdown.split('\n');
  const start = lines.findIndex((line) => levelOf(line) > 0 && slugOf(line.replace(/^#+ /, '')) === anchor);
  if (start < 0) throw new Error(`no heading #${anchor}`);
  const level = levelOf(lines[start] ?? '');
  let isCode = false;
  const length = lines.slice(start + 1).findIndex((line) => {
    if (/^ *```/.test(line)) isCode = !isCode;
    return !isCode && levelOf(line) > 0 && levelOf(line) <= level;
  });
  return lines
    .slice(start + 1, length < 0 ? undefined : start + 1 + length)
    .join('\n')
    .trim();
}

const levelOf = (line: string): number => /^(#+) /.exec(line)?.[1]?.length ?? 0;

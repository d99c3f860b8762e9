import { CONSOLE_MESSAGES } from '../../explain/reasons/console-messages.ts';
import { REASONS, type Reason } from '../../instrumentation/src/fetch-standard/decision.ts';

export interface ReasonPages {
  /** docs/reasons.md with a table of links in place of the sections of reasons. */
  readonly overview: string;
  readonly pages: ReadonlyMap<Reason, string>;
}

/**
 * Divides docs/reasons.md into an overview and a page for each reason, titled as browsers' consoles say it: that is
 * what people search for.
 */
export function reasonPages(document: string): ReasonPages {
  const pages = new Map<Reason, string>();
  const overview = document
    .split(/^(?=## )/m)
    .map((chapter) => {
      const [introduction = '', ...sections] = chapter.split(/^(?=### )/m);
      const kept: string[] = [];
      const rows: string[] = [];
      for (const section of sections) {
        const reason = reasonOf(section);
        if (reason === undefined) {
          kept.push(section);
          continue;
        }
        const body = section.replace(/^### .*\n+/, '').trimEnd();
        const [, title = ''] = /^\*\*(.+?)\.\*\*/.exec(body) ?? [];
        const heading = messageOf(reason) ?? title.charAt(0).toUpperCase() + title.slice(1);
        pages.set(reason, `# ${heading}\n\nReason \`${reason}\`: ${body}\n`);
        rows.push(`| [\`${reason}\`](#${reason}) | ${escaped(heading)} |`);
      }
      if (rows.length === 0) return chapter;
      return [
        introduction.trimEnd(),
        ['| reason | title |', '| --- | --- |', ...rows].join('\n'),
        ...kept,
        '',
      ].join('\n\n');
    })
    .join('');
  return { overview, pages };
}

function reasonOf(section: string): Reason | undefined {
  const [, name] = /^### `(\w+)`$/m.exec(section) ?? [];
  return REASONS.find((reason) => reason === name);
}

/** A browser's message without what differs from request to request; undefined where browsers say nothing. */
function messageOf(reason: Reason): string | undefined {
  // The one that says most: a message of a single reason; Chrome's are first.
  const [message] = CONSOLE_MESSAGES.filter(({ reasons }) => reasons.includes(reason)).sort(
    (one, other) => one.reasons.length - other.reasons.length,
  );
  return message?.text
    .replace(/^Access to .* has been blocked by CORS policy: /, '')
    .replace(/^.*\(Reason: (.*)\)\.$/, '$1')
    .replaceAll(/\{\w+\}/g, '…')
    .replaceAll(/[*<_]/g, '\\$&');
}

const escaped = (cell: string): string => cell.replaceAll('|', '\\|');

import type { Check, CheckName, Verification } from '../../collector/verify/verification.ts';
import { counted } from '../../core/counted.ts';
import { cleaned } from '../../core/text.ts';
import { runnableHints } from './hints.ts';
import { type PageOptions, paintFor, readableWidth, wrapped } from './terminal.ts';

/** What holds when nothing was found, and what is counted as checked. */
const TITLES = {
  raw_spans: ['Raw spans are what was published of them', 'slot'],
  usage_minutes: ['Minutes sum to what the markers of their runs say', 'slot'],
  completeness_slots: ['Completeness is what the markers of its runs say', 'slot'],
  usage_hours: ['Hours are what their minutes sum to', 'hour'],
  markers: ['What is marked as published has rows', 'marker'],
  blocked_spans: ['Every blocked span is among the blocked requests', 'slot'],
  rows: ['Every row is one that Originscope could have written', 'row'],
  dropped_days: ['No raw spans were dropped before they were published', 'slot'],
} as const satisfies Record<CheckName, readonly [title: string, noun: string]>;

/** The verification as a page for people. */
export function renderVerification({ ok, checks, information }: Verification, options: PageOptions): string {
  const paint = paintFor(options);
  const width = readableWidth(options);
  const item = (mark: string, text: string): string =>
    wrapped(`  ${mark} `, '    ', runnableHints(cleaned(text)), width);
  const lines = checks.flatMap((check) => {
    const [title, noun] = TITLES[check.name];
    const mark = check.ok ? paint('green', '✔') : paint('red', '✘');
    return [
      `${mark} ${title} ${paint('dim', `(${counted(check.checked, noun)})`)}`,
      ...check.findings.map(({ sentence }) => item('·', sentence)),
      ...(check.furtherFindings > 0
        ? [item('·', `and ${check.furtherFindings.toLocaleString('en')} more`)]
        : []),
    ];
  });
  if (information.length > 0) {
    lines.push('', 'To know:', ...information.map(({ sentence }) => item('·', sentence)));
  }
  lines.push('', ok ? paint('green', 'Everything holds.') : paint('red', findings(checks)));
  return `${lines.join('\n')}\n`;
}

/** `3 findings` */
function findings(checks: readonly Check[]): string {
  const count = checks.reduce((sum, check) => sum + check.findings.length + check.furtherFindings, 0);
  return `${counted(count, 'finding')}: see above.`;
}

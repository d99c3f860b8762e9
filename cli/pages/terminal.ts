import { styleText } from 'node:util';

/** The terminal that a page is for. */
export interface PageOptions {
  /** Columns of the terminal. */
  readonly width: number;
  readonly color: boolean;
}

export function pageOptions(stream: NodeJS.WriteStream): PageOptions {
  return {
    width: stream.columns ?? 100,
    color: stream.isTTY === true && stream.hasColors() && !process.env.NO_COLOR,
  };
}

const NARROWEST = 80;
const WIDEST = 120;

/** Columns that a page uses, whatever the terminal has. */
export function readableWidth({ width }: PageOptions): number {
  return Math.min(WIDEST, Math.max(NARROWEST, width));
}

export type Paint = (style: Parameters<typeof styleText>[0], text: string) => string;

export function paintFor({ color }: PageOptions): Paint {
  return color ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text;
}

/** Without what `Paint` adds. */
export function visibleLength(text: string): number {
  return text.replace(STYLES, '').length;
}

const STYLES = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

/**
 * Words on lines of this width, the first line indented by one text and the others by another. A word that is
 * too long and what stands in quotes stay whole, so that they can be copied.
 */
export function wrapped(first: string, others: string, text: string, width: number): string {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.match(WORDS) ?? []) {
    if (!isEmpty && visibleLength(line) + 1 + visibleLength(word) > width) {
      lines.push(line);
      line = others;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line].join('\n');
}

const WORDS = /(?:"[^"]*"|\S)+/g;

import { readFileSync } from 'node:fs';

const READ_EVERY_MILLIS = 20;

/** The current clock offset of this process in milliseconds, from a file; 0 without one. */
export function clockOffset(file: string | undefined): () => number {
  if (file === undefined) return () => 0;
  let offset = 0;
  let readAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() - readAt < READ_EVERY_MILLIS) return offset;
    readAt = performance.now();
    // It is empty for a moment when it is written.
    const text = readFileSync(file, 'utf8');
    if (text !== '') offset = Number(text);
    return offset;
  };
}

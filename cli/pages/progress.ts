/** One line on standard error that is written over; nothing where nobody watches. */
export interface Progress {
  /** @param fraction 0 to 1; undefined when the end is not known. */
  show(fraction: number | undefined, text: string): void;
  /** Takes the line away. */
  clear(): void;
}

const WIDTH = 24;

export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY) return { show: () => {}, clear: () => {} };
  return {
    show(fraction, text) {
      const filled = Math.round(Math.min(1, Math.max(0, fraction ?? 0)) * WIDTH);
      const bar = fraction === undefined ? '' : `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)} `;
      stream.write(`\r\x1b[K${(bar + text).slice(0, Math.max(20, stream.columns - 1))}`);
    },
    clear() {
      stream.write('\r\x1b[K');
    },
  };
}

import type { PageOptions } from './page.ts';

const NARROWEST = 72;
const WIDEST = 120;

/** As the terminal has it. */
export function pageOptions(stream: NodeJS.WriteStream): PageOptions {
  return {
    width: Math.min(WIDEST, Math.max(NARROWEST, stream.columns ?? 100)),
    color: stream.isTTY === true && stream.hasColors() && !process.env.NO_COLOR,
  };
}

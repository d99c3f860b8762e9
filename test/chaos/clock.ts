import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MINUTE = 60_000;

/** The clock offset of a process, in a file that the process reads repeatedly, in every run. */
export interface Clock {
  readonly name: string;
  readonly file: string;
  /** The offset in milliseconds; negative when it is behind. */
  readonly offset: number;
  /** Steps the clock at any time. */
  set(offset: number): void;
}

export function createClock(directory: string, name: string, offset: number): Clock {
  const file = join(directory, `${name}.clock`);
  const write = (millis: number): void => writeFileSync(file, String(millis));
  let current = offset;
  write(offset);
  return {
    name,
    file,
    get offset() {
      return current;
    },
    set(millis) {
      current = millis;
      write(millis);
    },
  };
}

/** Clocks of badly synchronised machines: no two agree. */
export function pickSkew(random: () => number): number {
  return Math.round((2 * random() - 1) * 2 * MINUTE);
}

/** The step of a clock: an hour, as with a wrong time zone, or small, as usual. */
export function pickStep(random: () => number): number {
  const step = Math.floor(random() * 4);
  return step === 0 ? 60 * MINUTE : step === 1 ? -60 * MINUTE : pickSkew(random);
}

export function isFarBehind({ offset }: Clock): boolean {
  return offset < -5 * MINUTE;
}

export function inWords({ name, offset }: Clock): string {
  return `${name} is ${Math.abs(offset / 1_000)} s ${offset < 0 ? 'behind' : 'ahead'}`;
}

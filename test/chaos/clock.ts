import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MINUTE = 60_000;

/** The clock of a process: how far it is off, in a file that the process reads again and again, in every life. */
export interface Clock {
  readonly name: string;
  readonly file: string;
  /** How far it goes ahead, milliseconds; negative when it is behind. */
  readonly offset: number;
  /** Steps, in the middle of whatever the process does. */
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

/** Of machines that keep their time badly: no two agree. */
export function pickSkew(random: () => number): number {
  return Math.round((2 * random() - 1) * 2 * MINUTE);
}

/** What a clock is set to at once: an hour off, as a wrong time zone makes it, or a little, as it mostly is. */
export function pickStep(random: () => number): number {
  const step = Math.floor(random() * 4);
  return step === 0 ? 60 * MINUTE : step === 1 ? -60 * MINUTE : pickSkew(random);
}

export function inWords({ name, offset }: Clock): string {
  return `${name} is ${Math.abs(offset / 1_000)} s ${offset < 0 ? 'behind' : 'ahead'}`;
}

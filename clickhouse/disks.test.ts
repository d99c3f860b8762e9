import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createDiskWarnings, type DiskSpace } from './disks.ts';

const GIB = 1024 ** 3;
const disk = (freeGib: number, name = 'default'): DiskSpace => ({
  name,
  freeBytes: freeGib * GIB,
  totalBytes: 40 * GIB,
  low: freeGib < 4,
});

test('a disk around the threshold is reported once, until it clearly has space again', () => {
  const lines: { level: number; msg: string; disk: string }[] = [];
  const warnings = createDiskWarnings(
    pino({ base: null }, { write: (line) => void lines.push(JSON.parse(line)) }),
  );
  for (const free of [5, 3.9, 4.1, 3.9, 4.5, 0, 6, 3]) warnings.seen([disk(free), disk(20, 'other')]);
  expect(lines.map(({ level, disk }) => [level, disk])).toEqual([
    [40, 'default'],
    [30, 'default'],
    [40, 'default'],
  ]);
  expect(lines[0]?.msg).toContain('3.9 GiB of 40.0 GiB free');
  expect(lines[0]?.msg).toContain('--keep-raw');
});

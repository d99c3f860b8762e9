import type { Detection, DetectorName } from './detection.ts';

/** What a shift of traffic is about, in numbers. */
export type Shift = Pick<
  Detection,
  'observed' | 'expected' | 'unit' | 'score' | 'since' | 'sentence' | 'origins' | 'against'
>;

/** A change of traffic that by itself breaks nothing. */
export function shiftOf(detector: DetectorName, subject: Detection['subject'], shift: Shift): Detection {
  return { family: 'shift', detector, subject, isConfirmed: true, rows: [], ...shift };
}

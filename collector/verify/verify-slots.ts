import { rebuildRemedy } from '../../reports/publication-state.ts';
import { isAbandoned, reportAbandoned } from './abandoned-runs.ts';
import { compareSlot, hasIncompleteInsert } from './compare-slot.ts';
import type { VerifiedDatabase } from './database.ts';
import { examine } from './examine.ts';
import { type SlotRows, type SlotState, slotRows, slotStates } from './slots.ts';
import { type Findings, many, timeText } from './verification.ts';

export interface Verifying {
  /** Epoch milliseconds. */
  readonly now: number;
  pause(): Promise<void>;
  /** @param fraction 0 to 1 */
  onProgress(fraction: number): void;
}

/**
 * Compares raw spans with their published rows, published rows with their markers, and blocked spans, and
 * finds days that were dropped too early.
 *
 * @returns slots (epoch seconds) whose published rows do not match their markers
 */
export async function verifySlots(
  database: VerifiedDatabase,
  findings: Findings,
  { now, pause, onProgress }: Verifying,
): Promise<ReadonlySet<number>> {
  let first: ReadonlyMap<number, SlotRows> | undefined;
  const examined = await examine({
    states: () => slotStates(database),
    async measure(wanted: ReadonlySet<number> | undefined) {
      const rows = await slotRows(database, wanted, (read, all) => onProgress(read / all));
      first ??= rows;
      return rows;
    },
    compare: compareSlot,
    pause,
  });
  const { differences, changing, states } = examined;
  const rows = first ?? new Map<number, SlotRows>();

  countChecked(findings, states, rows);
  const dropped: number[] = [];
  const broken = new Set<number>();
  for (const [slot, ofSlot] of differences) {
    for (const { check, sentence } of ofSlot) {
      if (check === 'dropped_days') dropped.push(slot);
      else findings.add(check, slot * 1_000, sentence);
      if (check === 'usage_minutes' || check === 'completeness_slots' || check === 'markers')
        broken.add(slot);
    }
  }
  reportDropped(findings, dropped);
  reportInformation(findings, states, rows, changing);
  const runs = [...rows].flatMap(([slot, { usage, completeness }]) =>
    [...new Set([...usage.keys(), ...completeness.keys()])].filter((run) =>
      isAbandoned(run, states.get(slot)?.run, now),
    ),
  );
  reportAbandoned(findings, runs, 'usage_minutes and completeness_slots');
  return broken;
}

function countChecked(
  findings: Findings,
  states: ReadonlyMap<number, SlotState>,
  rows: ReadonlyMap<number, SlotRows>,
): void {
  const published = [...states].filter(([, { run }]) => run !== '0');
  const withRaw = published.filter(([slot]) => rows.get(slot)?.raw !== undefined);
  findings.checked('raw_spans', withRaw.filter(([, { behind, sealed }]) => !behind && !sealed).length);
  for (const check of ['usage_minutes', 'completeness_slots', 'markers'] as const) {
    findings.checked(check, published.length);
  }
  findings.checked('blocked_spans', [...rows.values()].filter(({ raw }) => raw !== undefined).length);
  findings.checked('dropped_days', states.size);
}

function reportDropped(findings: Findings, slots: readonly number[]): void {
  for (const [day, ofDay] of Map.groupBy(slots, (slot) => Math.floor(slot / 86_400) * 86_400)) {
    findings.add(
      'dropped_days',
      day * 1_000,
      `The raw spans of ${many(ofDay.length, 'slot')} of ${timeText(day * 1_000).slice(0, 10)} were dropped before they were published, ` +
        `the first of ${timeText((ofDay[0] ?? day) * 1_000)}. ${rebuildRemedy(ofDay.map((slot) => slot * 1_000))}`,
    );
  }
}

function reportInformation(
  findings: Findings,
  states: ReadonlyMap<number, SlotState>,
  rows: ReadonlyMap<number, SlotRows>,
  changing: readonly number[],
): void {
  const sorted = [...states].sort(([a], [b]) => a - b);
  const due = sorted.filter(([, { run, behind, sealed }]) => run === '0' || (behind && !sealed));
  const [oldest] = due[0] ?? [];
  if (oldest !== undefined) {
    findings.inform(
      'not_published_yet',
      `${many(due.length, 'slot')} from ${timeText(oldest * 1_000)} on ${due.length === 1 ? 'is' : 'are'} not published yet, or not in the current state`,
    );
  }
  const incomplete = sorted.filter(([slot, state]) => hasIncompleteInsert(state, rows.get(slot)?.raw));
  for (const [slot, { spans }] of incomplete.slice(0, 20)) {
    const more = (rows.get(slot)?.raw?.spans ?? 0) - spans;
    findings.inform(
      'unended_inserts',
      `Slot ${timeText(slot * 1_000)} has ${more > 0 ? `${many(more, 'raw span')} more than were published` : 'other raw spans than were published'}: ` +
        'from an insert that was never completed, because its process died or could not reach ClickHouse. It was not acknowledged to its sender; they are published when they are resent, or when the day is retired',
    );
  }
  if (changing.length > 0) {
    findings.inform(
      'changing',
      `${many(changing.length, 'slot')} kept changing while ${changing.length === 1 ? 'it was' : 'they were'} compared, the first of ${timeText(Math.min(...changing) * 1_000)}`,
    );
  }
}

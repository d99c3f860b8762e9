import type { Comparison, Difference } from './examine.ts';
import type { Counts, RunRows, SlotRows, SlotState } from './slots.ts';
import { many, timeText } from './verification.ts';

export interface Ledger {
  readonly before: SlotState | undefined;
  readonly after: SlotState | undefined;
}

const NO_ROWS: RunRows = { rows: 0, spans: 0, decisions: 0, fingerprint: '0' };

/** Compares the rows of a slot (start in epoch seconds) with the ledgers. */
export function compareSlot(start: number, ledger: Ledger, rows: SlotRows | undefined): Comparison {
  const { before, after } = ledger;
  const slot = `Slot ${timeText(start * 1_000)}`;
  const ofRun = before?.run === '0' || before === undefined ? [] : runDifferences(slot, before, rows);
  const ofSpans = spanDifferences(slot, before, rows);
  const isSameRun = before?.run === after?.run;
  const isUnchanged = isSameRun && before?.numbers === after?.numbers && before?.sealed === after?.sealed;
  return {
    differences: [...(isSameRun ? ofRun : []), ...(isUnchanged ? ofSpans : [])],
    changing: (!isSameRun && ofRun.length > 0) || (!isUnchanged && ofSpans.length > 0),
  };
}

/** Differences of the published rows, which are those of the newest run. */
function runDifferences(slot: string, state: SlotState, rows: SlotRows | undefined): Difference[] {
  const differences: Difference[] = [];
  const usage = rows?.usage.get(state.run) ?? NO_ROWS;
  const completeness = rows?.completeness.get(state.run) ?? NO_ROWS;
  const unread = (table: string, check: Difference['check']): boolean => {
    const reason = rows?.unreadable.get(table);
    if (reason !== undefined)
      differences.push({ check, sentence: `${slot}: ${table} cannot be read: ${reason}` });
    return reason !== undefined;
  };

  if (!unread('usage_minutes', 'usage_minutes')) {
    if (usage.rows === 0 && state.decisions > 0) {
      differences.push({
        check: 'markers',
        sentence: `${slot} is marked as published with ${many(state.decisions, 'decision')}, and its run ${state.run} has no rows in usage_minutes`,
      });
    } else if (usage.decisions !== state.decisions) {
      differences.push({
        check: 'usage_minutes',
        sentence: `${slot}: usage_minutes has ${many(usage.decisions, 'decision')} of its run ${state.run}, its marker says ${state.decisions.toLocaleString('en')}`,
      });
    }
  }
  if (!unread('completeness_slots', 'completeness_slots')) {
    if (completeness.rows === 0 && state.spans > 0) {
      differences.push({
        check: 'markers',
        sentence: `${slot} is marked as published with ${many(state.spans, 'span')}, and its run ${state.run} has no rows in completeness_slots`,
      });
    } else if (!isSame(completeness, state)) {
      differences.push({
        check: 'completeness_slots',
        sentence: `${slot}: completeness_slots has ${counted(completeness, state)} of its run ${state.run}, its marker says ${counted(state, completeness)}`,
      });
    }
  }
  return differences;
}

/** Differences of the raw spans and of the rows derived from them. */
function spanDifferences(
  slot: string,
  state: SlotState | undefined,
  rows: SlotRows | undefined,
): Difference[] {
  const raw = rows?.raw;
  const unreadable = rows?.unreadable.get('decision_spans');
  if (unreadable !== undefined) {
    return [{ check: 'raw_spans', sentence: `${slot}: decision_spans cannot be read: ${unreadable}` }];
  }
  if (state === undefined) {
    if (raw === undefined) return [];
    return [
      {
        check: 'raw_spans',
        sentence: `${slot} has ${counted(raw)} in decision_spans and no write number: no view counts them, and they will not be published`,
      },
    ];
  }
  const differences: Difference[] = [];
  if (isComparable(state) && raw !== undefined && !isSame(raw, state)) {
    differences.push({
      check: 'raw_spans',
      sentence: `${slot} has ${counted(raw, state)} in decision_spans, and was published with ${counted(state, raw)}`,
    });
  }
  if (!state.sealed && !state.incomplete && rows !== undefined && rows.unrecordedBlocked > 0) {
    differences.push({
      check: 'blocked_spans',
      sentence: `${slot} has ${many(rows.unrecordedBlocked, 'blocked span')} in decision_spans that blocked_spans does not have`,
    });
  }
  const isGone = raw === undefined && rows?.retired !== true;
  if (
    state.run === '0' ? isGone && state.numbered && !state.incomplete : state.spans === 0 && state.hadSpans
  ) {
    differences.push({ check: 'dropped_days', sentence: slot });
  }
  return differences;
}

/**
 * Whether the raw spans must equal the published ones: nothing is due, and nothing arrived since they were
 * retired.
 */
function isComparable(state: SlotState): boolean {
  return state.run !== '0' && !state.behind && !state.sealed && !state.incomplete;
}

/** Whether there may be rows of an insert that was never completed or acknowledged. */
export function hasIncompleteInsert(state: SlotState, raw: Counts | undefined): boolean {
  return (
    isComparable({ ...state, incomplete: false }) &&
    state.incomplete &&
    raw !== undefined &&
    !isSame(raw, state)
  );
}

function isSame(a: Counts, b: Counts): boolean {
  return a.spans === b.spans && a.decisions === b.decisions && a.fingerprint === b.fingerprint;
}

/** Where the numbers are equal, the contents of the spans differ, shown by the fingerprint. */
function counted(counts: Counts, other?: Counts): string {
  const text = `${many(counts.spans, 'span')} with ${many(counts.decisions, 'decision')}`;
  const isAlike = other !== undefined && other.spans === counts.spans && other.decisions === counts.decisions;
  return isAlike ? `${text} (fingerprint ${counts.fingerprint})` : text;
}

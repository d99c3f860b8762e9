import { counted } from '../../core/counted.ts';
import { type Blocks, callKeyOf } from '../history/call.ts';
import type { ScopeMinute } from '../history/observe.ts';
import type { Scope } from '../history/scope.ts';
import { estimateClients } from '../input/clients.ts';
import { decisionsOf, type UsageRow } from '../input/usage-row.ts';
import { type Detection, subjectOf } from './detection.ts';

const MINUTE = 60_000;
/** An isolated blocked call is discarded after this time. */
const FORGOTTEN_MILLIS = 24 * 60 * MINUTE;
const NEEDED_HISTORY_MILLIS = 10 * MINUTE;
/** Below this probability of what has been blocked, chance is ruled out. */
const CHANCE = 1e-4;

/**
 * Calls that were allowed and are blocked now, with none allowed since by the same version: proof, not statistics.
 * Where blocks of such calls have been followed by permission before, so many in a row are wanted that chance does
 * not explain them.
 */
export function detectFlips(scope: Scope, { minute, blockedKnown }: ScopeMinute): Detection[] {
  const goingOn = blockedKnown.filter((row) => scope.calls.get(callKeyOf(row))?.brokenSince !== undefined);
  const detections = [...Map.groupBy(goingOn, signatureOf).values()].map((rows) =>
    detectionOf(rows, minute, true),
  );
  if (scope.age(minute) < NEEDED_HISTORY_MILLIS) return detections;

  const bySignature = Map.groupBy(scope.blocks, ({ rows }) => (rows[0] ? signatureOf(rows[0]) : ''));
  for (const group of bySignature.values()) {
    const isProven = isProof(scope, group, minute);
    if (isProven) {
      for (const blocks of group) {
        blocks.call.brokenSince = blocks.since;
        scope.broken.add(blocks.call);
        scope.blocks.delete(blocks);
      }
      const since = Math.min(...group.map((blocks) => blocks.since));
      const calls = new Set(group.map(({ call }) => call)).size;
      detections.push(
        detectionOf(
          group.flatMap(({ rows }) => rows),
          since,
          true,
          calls,
        ),
      );
    } else {
      for (const blocks of group) {
        if (blocks.since < minute - FORGOTTEN_MILLIS) scope.blocks.delete(blocks);
      }
    }
  }
  return detections;
}

function isProof(scope: Scope, group: readonly Blocks[], minute: number): boolean {
  const capped = group.reduce((sum, blocks) => sum + blocks.capped, 0);
  const high = group.reduce((bits, { clientsHigh }) => bits | clientsHigh, 0);
  const low = group.reduce((bits, { clientsLow }) => bits | clientsLow, 0);
  const clients = estimateClients(high, low);
  const allowedBefore = group.reduce((sum, { call }) => sum + call.allowed, 0);
  if (allowedBefore < 3) return false;
  const usual = (scope.contradicted + 0.5) / (scope.knownDecisions + 1);
  // Where chance blocks now and then, blocks of many calls do not add up: each is looked at by itself.
  const most = Math.max(...group.map((blocks) => blocks.capped));
  if (scope.contradicted >= 1 && usual ** most > 1e-6) return false;
  // Chance has blocked so little before that it does not explain this.
  if (scope.contradicted < 1 && usual ** most <= CHANCE) return true;
  // Several clients in one minute; else nobody may have been allowed in the minute after.
  if (capped >= 3 && (clients === 0 || clients >= 2)) return true;
  return group.some(({ since }) => since < minute);
}

function signatureOf({ reason, detail }: UsageRow): string {
  return `${reason}\n${detail}`;
}

function detectionOf(
  rows: readonly UsageRow[],
  since: number,
  isConfirmed: boolean,
  calls?: number,
): Detection {
  const [first] = rows;
  const { reason = '', detail = '' } = first ?? {};
  const observed = decisionsOf(rows);
  const which = calls === undefined ? 'calls' : counted(calls, 'call');
  return {
    family: 'breakage',
    detector: 'flip',
    subject: subjectOf(reason, detail),
    observed,
    expected: 0,
    unit: 'decisions',
    score: 0,
    since,
    sentence: `${counted(observed, 'decision')} of ${which} that were allowed before ${observed === 1 ? 'was' : 'were'} blocked (${reason}${detail === '' ? '' : `: ${detail}`}), and none was allowed since by the same version.`,
    isConfirmed,
    rows,
  };
}

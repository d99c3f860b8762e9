import { counted } from '../../core/counted.ts';
import { blockKeyOf, callKeyOf } from '../history/call.ts';
import type { ScopeMinute } from '../history/observe.ts';
import type { Scope } from '../history/scope.ts';
import { cappedDecisions, estimateClients } from '../input/clients.ts';
import { decisionsOf, namesToken, type UsageRow } from '../input/usage-row.ts';
import { type Detection, subjectOf } from './detection.ts';

const MINUTE = 60_000;
const LEARNED_AFTER_MILLIS = 60 * MINUTE;
/** Blocks with such a pause between them are not of one change. */
const PAUSE_MILLIS = 3 * 60 * MINUTE;
/** What goes on for so long is how it is. */
const USUAL_AFTER_MILLIS = 24 * 60 * MINUTE;
const MOST_SIGNATURES = 2_000;

/** Blocks of one kind, of calls that known origins never made before. */
interface NewBlocks {
  readonly firstAt: number;
  since: number;
  lastAt: number;
  decisions: number;
  capped: number;
  clientsHigh: number;
  clientsLow: number;
  readonly origins: Set<string>;
  rows: UsageRow[];
  /** `usual`: it has been so since before anybody looked, or never became more. */
  state: 'new' | 'raised' | 'usual';
}

/**
 * Origins that are allowed ask for what was never asked before and are blocked: a header that a library adds, a
 * method, a route. The page changed; the policy did not.
 */
export class NewBlockDetector {
  readonly #scope: Scope;
  readonly #known = new Map<string, NewBlocks>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  detect({ minute, blockedKnown }: ScopeMinute): Detection[] {
    const scope = this.#scope;
    const touched = new Map<string, UsageRow[]>();
    for (const row of blockedKnown) {
      const call = scope.calls.get(callKeyOf(row));
      // Previously allowed calls are handled by the flip detector.
      if (call === undefined || call.allowed > 0 || scope.accepted.has(blockKeyOf(row))) continue;
      const signature = signatureOf(row);
      this.#add(signature, row, minute);
      touched.set(signature, [...(touched.get(signature) ?? []), row]);
    }
    const detections: Detection[] = [];
    for (const [signature, rows] of touched) {
      const blocks = this.#known.get(signature);
      if (blocks === undefined || blocks.state === 'usual') continue;
      if (minute - blocks.firstAt > USUAL_AFTER_MILLIS) blocks.state = 'usual';
      else if (blocks.state === 'raised') detections.push(detectionOf(blocks, rows, minute));
      else if (isEnough(rows[0], blocks)) {
        blocks.state = 'raised';
        detections.push(detectionOf(blocks, blocks.rows, blocks.since));
        blocks.rows = [];
      }
    }
    return detections;
  }

  #add(signature: string, row: UsageRow, minute: number): void {
    let blocks = this.#known.get(signature);
    if (blocks === undefined) {
      if (this.#known.size >= MOST_SIGNATURES) this.#forget();
      const state = this.#scope.age(minute) < LEARNED_AFTER_MILLIS ? 'usual' : 'new';
      blocks = {
        firstAt: minute,
        since: minute,
        lastAt: minute,
        decisions: 0,
        capped: 0,
        clientsHigh: 0,
        clientsLow: 0,
        origins: new Set(),
        rows: [],
        state,
      };
      this.#known.set(signature, blocks);
    }
    if (minute - blocks.lastAt > PAUSE_MILLIS && blocks.state === 'new') {
      Object.assign(blocks, {
        since: minute,
        decisions: 0,
        capped: 0,
        clientsHigh: 0,
        clientsLow: 0,
        rows: [],
      });
    }
    blocks.lastAt = minute;
    blocks.decisions += row.decisions;
    if (row.browser) blocks.capped += cappedDecisions(row.decisions, row.clientsHigh, row.clientsLow);
    blocks.clientsHigh |= row.clientsHigh;
    blocks.clientsLow |= row.clientsLow;
    blocks.origins.add(row.origin);
    if (blocks.state === 'new' && blocks.rows.length < 100) blocks.rows.push(row);
  }

  #forget(): void {
    const oldest = [...this.#known].sort(([, a], [, b]) => a.lastAt - b.lastAt);
    for (const [signature] of oldest.slice(0, MOST_SIGNATURES / 4)) this.#known.delete(signature);
  }
}

function signatureOf(row: UsageRow): string {
  return namesToken(row)
    ? `${row.reason}\n${row.detail}`
    : `${row.reason}\n${row.detail}\n${row.origin}\n${row.route}\n${row.method}`;
}

function isEnough(row: UsageRow | undefined, { capped, clientsHigh, clientsLow }: NewBlocks): boolean {
  if (row === undefined) return false;
  const clients = estimateClients(clientsHigh, clientsLow);
  if (namesToken(row)) return capped >= 3 && (clients === 0 || clients >= 2);
  return capped >= 10 && (clients === 0 || clients >= 4);
}

function detectionOf(blocks: NewBlocks, rows: readonly UsageRow[], since: number): Detection {
  const [first] = rows;
  const { reason = '', detail = '', route = '' } = first ?? {};
  const subject = subjectOf(reason, detail);
  const observed = decisionsOf(rows);
  const what =
    subject.kind === 'reason'
      ? `calls to ${route === '' ? 'a route' : route} that were never made before`
      : `requests for the ${subject.kind} ${detail}, which was never asked for before`;
  return {
    family: 'breakage',
    detector: 'new_block',
    subject: subject.kind === 'reason' && route !== '' ? { kind: 'route', value: route } : subject,
    observed,
    expected: 0,
    unit: 'decisions',
    score: 0,
    since,
    sentence: `${counted(observed, 'decision')} blocked (${reason}), of ${counted(blocks.origins.size, 'origin')} otherwise allowed: ${what}.`,
    isConfirmed: true,
    rows,
    against: ['These calls were never allowed before: the page changed, not the policy.'],
  };
}

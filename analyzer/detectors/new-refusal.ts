import { counted } from '../../core/counted.ts';
import { callKeyOf, refusalKeyOf } from '../history/call.ts';
import type { ScopeMinute } from '../history/observe.ts';
import type { Scope } from '../history/scope.ts';
import { cappedDecisions, estimateClients } from '../input/clients.ts';
import { isAboutToken, type UsageRow } from '../input/usage-row.ts';
import type { Finding } from './finding.ts';
import { subjectOf } from './flip.ts';

const MINUTE = 60_000;
const LEARNED_AFTER_MILLIS = 60 * MINUTE;
/** Refusals with such a pause between them are not of one change. */
const PAUSE_MILLIS = 3 * 60 * MINUTE;
/** What goes on for so long is how it is. */
const USUAL_AFTER_MILLIS = 24 * 60 * MINUTE;
const MOST_SIGNATURES = 2_000;

/** Refusals of one kind, of calls that known origins never made before. */
interface NewRefusals {
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
export class NewRefusalDetector {
  readonly #scope: Scope;
  readonly #known = new Map<string, NewRefusals>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  detect({ minute, refusedKnown }: ScopeMinute): Finding[] {
    const scope = this.#scope;
    const touched = new Map<string, UsageRow[]>();
    for (const row of refusedKnown) {
      const call = scope.calls.get(callKeyOf(row));
      // Previously allowed calls are handled by the flip detector.
      if (call === undefined || call.allowed > 0 || scope.accepted.has(refusalKeyOf(row))) continue;
      const signature = signatureOf(row);
      this.#add(signature, row, minute);
      touched.set(signature, [...(touched.get(signature) ?? []), row]);
    }
    const findings: Finding[] = [];
    for (const [signature, rows] of touched) {
      const refusals = this.#known.get(signature);
      if (refusals === undefined || refusals.state === 'usual') continue;
      if (minute - refusals.firstAt > USUAL_AFTER_MILLIS) refusals.state = 'usual';
      else if (refusals.state === 'raised') findings.push(findingOf(refusals, rows, minute));
      else if (isEnough(rows[0], refusals)) {
        refusals.state = 'raised';
        findings.push(findingOf(refusals, refusals.rows, refusals.since));
        refusals.rows = [];
      }
    }
    return findings;
  }

  #add(signature: string, row: UsageRow, minute: number): void {
    let refusals = this.#known.get(signature);
    if (refusals === undefined) {
      if (this.#known.size >= MOST_SIGNATURES) this.#forget();
      const state = this.#scope.age(minute) < LEARNED_AFTER_MILLIS ? 'usual' : 'new';
      refusals = {
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
      this.#known.set(signature, refusals);
    }
    if (minute - refusals.lastAt > PAUSE_MILLIS && refusals.state === 'new') {
      Object.assign(refusals, {
        since: minute,
        decisions: 0,
        capped: 0,
        clientsHigh: 0,
        clientsLow: 0,
        rows: [],
      });
    }
    refusals.lastAt = minute;
    refusals.decisions += row.decisions;
    if (row.browser) refusals.capped += cappedDecisions(row.decisions, row.clientsHigh, row.clientsLow);
    refusals.clientsHigh |= row.clientsHigh;
    refusals.clientsLow |= row.clientsLow;
    refusals.origins.add(row.origin);
    if (refusals.state === 'new' && refusals.rows.length < 100) refusals.rows.push(row);
  }

  #forget(): void {
    const oldest = [...this.#known].sort(([, a], [, b]) => a.lastAt - b.lastAt);
    for (const [signature] of oldest.slice(0, MOST_SIGNATURES / 4)) this.#known.delete(signature);
  }
}

function namesToken({ reason, detail }: UsageRow): boolean {
  return isAboutToken(reason) && detail !== '';
}

function signatureOf(row: UsageRow): string {
  return namesToken(row)
    ? `${row.reason}\n${row.detail}`
    : `${row.reason}\n${row.detail}\n${row.origin}\n${row.route}\n${row.method}`;
}

function isEnough(row: UsageRow | undefined, { capped, clientsHigh, clientsLow }: NewRefusals): boolean {
  if (row === undefined) return false;
  const clients = estimateClients(clientsHigh, clientsLow);
  if (namesToken(row)) return capped >= 3 && (clients === 0 || clients >= 2);
  return capped >= 10 && (clients === 0 || clients >= 4);
}

function findingOf(refusals: NewRefusals, rows: readonly UsageRow[], since: number): Finding {
  const [first] = rows;
  const { reason = '', detail = '', route = '' } = first ?? {};
  const subject = subjectOf(reason, detail);
  const observed = rows.reduce((sum, row) => sum + row.decisions, 0);
  const what =
    subject.kind === 'reason'
      ? `calls to ${route === '' ? 'a route' : route} that were never made before`
      : `requests for the ${subject.kind} ${detail}, which was never asked for before`;
  return {
    family: 'breakage',
    detector: 'new_refusal',
    subject: subject.kind === 'reason' && route !== '' ? { kind: 'route', value: route } : subject,
    observed,
    expected: 0,
    unit: 'decisions',
    score: 0,
    since,
    sentence: `${counted(observed, 'decision')} blocked (${reason}), of ${counted(refusals.origins.size, 'origin')} otherwise allowed: ${what}.`,
    isConfirmed: true,
    rows,
    against: ['These calls were never allowed before: the page changed, not the policy.'],
  };
}

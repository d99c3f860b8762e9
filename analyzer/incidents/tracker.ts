import type { Detection, Family } from '../detectors/detection.ts';
import type { ScopeMinute } from '../history/observe.ts';
import type { Scope } from '../history/scope.ts';
import { isAboutToken } from '../input/usage-row.ts';
import { sumOf } from './affected.ts';
import { CREDENTIALS, incidentOf } from './classify.ts';
import { addDetection, countVersions, type Draft, openDraft, TOGETHER_MILLIS } from './draft.ts';
import type { Incident } from './incident.ts';
import type { IncidentVerdict } from './incident-verdict.ts';
import type { PageRule } from './page-policy.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Without evidence for so long an incident recovers; broken calls that nobody makes any more are waited for longer. */
const QUIET: Readonly<Record<Family, number>> = {
  breakage: 10 * MINUTE,
  suspicious: 30 * MINUTE,
  misconfiguration: DAY,
  shift: HOUR,
  gap: 2 * MINUTE,
};
/** From recovering to resolved. */
const RECOVERY_MILLIS = 10 * MINUTE;
/** New evidence so soon after the end fires the same incident again. */
const REOPENED: Readonly<Record<Family, number>> = {
  breakage: HOUR,
  suspicious: 6 * HOUR,
  misconfiguration: DAY,
  shift: DAY,
  gap: 30 * MINUTE,
};
/** A change of volume so soon after something broke is its consequence. */
const AFTERMATH_MILLIS = 30 * MINUTE;
const WITHDRAWN_MILLIS = 10 * MINUTE;
/** More changes an hour than this, and the incident is held for an hour. */
const MOST_REFIRED = 3;

/** Makes detections about one service into incidents, and follows these until they are over. */
export class Tracker {
  readonly #scope: Scope;
  readonly #pageRules: readonly PageRule[];
  #drafts: Draft[] = [];

  constructor(scope: Scope, pageRules: readonly PageRule[]) {
    this.#scope = scope;
    this.#pageRules = pageRules;
  }

  /** @returns the incidents that are open, or have just been resolved, with what is known of them now */
  update(facts: ScopeMinute, detections: readonly Detection[]): Incident[] {
    const { minute } = facts;
    const at = minute + MINUTE;
    for (const detection of detections) this.#place(detection, minute, at);
    const changed: Incident[] = [];
    for (const draft of this.#drafts) {
      const wasResolved = draft.state === 'resolved';
      if (!wasResolved) countVersions(draft, facts);
      this.#follow(draft, facts, at);
      if (draft.state !== 'pending' && !(wasResolved && draft.state === 'resolved'))
        changed.push(incidentOf(draft, this.#pageRules));
    }
    this.#drafts = this.#drafts.filter((draft) => !isForgotten(draft, minute));
    return changed;
  }

  /** Ends an incident by a person's word. */
  close({ incident: id, action, who, why, at }: IncidentVerdict): Incident | undefined {
    const draft = this.#drafts.find((candidate) => candidate.id === id && candidate.state !== 'resolved');
    if (draft === undefined) return undefined;
    const isAccepted = action === 'accept';
    const word = `${isAccepted ? 'Accepted as the new normal' : 'Dismissed as a false alarm'} by ${who}: ${why}`;
    if (isAccepted) this.#scope.accept(draft.blockKeys);
    draft.state = 'resolved';
    draft.resolvedAt = at;
    draft.closedBy = word;
    draft.course.push(word);
    return incidentOf(draft, this.#pageRules);
  }

  #place(detection: Detection, minute: number, at: number): void {
    const draft = this.#find(detection, minute);
    if (draft === undefined) {
      const opened = openDraft(this.#scope, detection, at);
      this.#drafts.push(opened);
      addDetection(opened, detection, minute, at);
      if (detection.isConfirmed) opened.state = 'firing';
      return;
    }
    // The same detections do not reopen an incident that a person has closed.
    if (draft.closedBy !== undefined) return;
    addDetection(draft, detection, minute, at);
    if (draft.state === 'pending' && detection.isConfirmed) {
      draft.state = 'firing';
      draft.detectedAt = at;
    }
    if (draft.state === 'recovering' || draft.state === 'resolved') {
      draft.state = 'firing';
      draft.resolvedAt = undefined;
      draft.recoveringSince = undefined;
      draft.refired.push(minute);
    }
  }

  #find(detection: Detection, minute: number): Draft | undefined {
    const same = this.#drafts.find((draft) => isSame(draft, detection, minute));
    if (same !== undefined) return same;
    const { family } = detection;
    if (family === 'shift') {
      return this.#drafts.find(
        ({ families, state, resolvedAt, origins }) =>
          (families.has('breakage') ||
            families.has('gap') ||
            detection.origins?.some((origin) => origins.has(origin)) === true) &&
          (state !== 'resolved' || (resolvedAt ?? 0) > minute - AFTERMATH_MILLIS),
      );
    }
    const other =
      family === 'suspicious' ? 'misconfiguration' : family === 'misconfiguration' ? 'suspicious' : '';
    return this.#drafts.find(
      ({ families, state, detectedAt }) =>
        other !== '' &&
        families.has(other) &&
        state !== 'resolved' &&
        (other === 'suspicious' || detectedAt > minute - 2 * TOGETHER_MILLIS),
    );
  }

  #follow(draft: Draft, facts: ScopeMinute, at: number): void {
    const { minute } = facts;
    if (draft.state === 'resolved') return;
    const quiet = minute - draft.evidenceAt;
    const isOver = draft.families.has('breakage')
      ? this.#isMended(draft, facts, quiet)
      : quiet >= quietOf(draft);
    if (!isOver) {
      if (draft.state === 'recovering' && quiet === 0) draft.state = 'firing';
      return;
    }
    if (draft.state === 'firing') {
      draft.state = 'recovering';
      draft.recoveringSince = at;
    }
    const isFlapping = draft.refired.filter((time) => time > minute - HOUR).length > MOST_REFIRED;
    const hold = isFlapping ? HOUR : draft.families.has('breakage') ? RECOVERY_MILLIS : 0;
    if (draft.state === 'recovering' && at - (draft.recoveringSince ?? at) >= hold) {
      draft.state = 'resolved';
      draft.resolvedAt = draft.recoveringSince ?? at;
    }
  }

  /** Broken calls are allowed again; or there are none, and blocks have become few. */
  #isMended(draft: Draft, { recovered, minute }: ScopeMinute, quiet: number): boolean {
    const { broken } = this.#scope;
    const [again] = recovered;
    if (again !== undefined && draft.origins.has(again.call.origin)) {
      const isRollback = !draft.affected.versions.has(again.version);
      const sentence = `Since ${new Date(minute).toISOString()} the calls are allowed again by version ${again.version}${isRollback ? ', which never blocked them: a rollback, or a repair' : ''}.`;
      if (draft.course.length === 0) draft.course.push(sentence);
    }
    const waiting = [...broken].filter(({ origin }) => draft.origins.has(origin)).length;
    if (waiting === 0 && draft.course.length > 0) return quiet >= 3 * MINUTE;
    // Of calls that nobody makes any more nothing is known.
    return quiet >= Math.max(waiting === 0 ? QUIET.breakage : 3 * QUIET.breakage, recoveryTimeout(draft));
  }
}

function isSame(
  { families, state, resolvedAt, startedAt, detectedAt, subject, affected }: Draft,
  detection: Detection,
  minute: number,
): boolean {
  const { family } = detection;
  if (!families.has(family)) return false;
  if (state === 'resolved' && (resolvedAt ?? 0) < minute - REOPENED[family]) return false;
  if (family === 'gap' || family === 'suspicious') return true;
  const isSubject = subject.kind === detection.subject.kind && subject.value === detection.subject.value;
  if (isSubject) return true;
  if (family === 'shift') {
    const isOther = detection.detector === 'new_allowed_origin';
    return minute - detectedAt < (isOther ? REOPENED.shift / 4 : REOPENED.shift);
  }
  if (family === 'misconfiguration') return minute - detectedAt < TOGETHER_MILLIS;
  if (state === 'resolved') return false;
  const sharesReason = detection.rows.some(
    // Blocks of two headers, or methods, need not have one cause.
    ({ reason }) => !isAboutToken(reason) && hasReason(affected.reasons, reason),
  );
  return sharesReason || Math.abs(detection.since - startedAt) <= TOGETHER_MILLIS;
}

/** Lost credentials show in several reasons. */
function hasReason(reasons: ReadonlyMap<string, number>, reason: string): boolean {
  if (!CREDENTIALS.has(reason)) return reasons.has(reason);
  return [...CREDENTIALS].some((one) => reasons.has(one));
}

/** How long it takes until calls of the same origins are sure to have been made again. */
function recoveryTimeout({ scope, origins }: Draft): number {
  const { usual, total } = scope;
  const all = sumOf(usual.origin);
  let own = 0;
  for (const origin of origins) own += usual.origin.get(origin) ?? 0;
  const perMinute = 0.3 * total.expectation.mean * (all === 0 ? 1 : own / all);
  return Math.min(DAY, (AWAITED_DECISIONS / Math.max(perMinute, 1e-6)) * MINUTE);
}

const AWAITED_DECISIONS = 12;

function quietOf({ families }: Draft): number {
  return Math.max(...[...families].map((family) => QUIET[family]));
}

function isForgotten({ state, resolvedAt, evidenceAt, families }: Draft, minute: number): boolean {
  if (state === 'pending') return minute - evidenceAt > WITHDRAWN_MILLIS;
  if (state !== 'resolved') return false;
  return minute - (resolvedAt ?? minute) > Math.max(...[...families].map((family) => REOPENED[family]));
}

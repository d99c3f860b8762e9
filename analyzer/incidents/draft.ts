import { createHash } from 'node:crypto';
import type { Detection, Family, Signal, Subject } from '../detectors/detection.ts';
import { blockKeyOf } from '../history/call.ts';
import type { ScopeMinute } from '../history/observe.ts';
import type { Scope, ValueCounts } from '../history/scope.ts';
import { DEVELOPER_KINDS, kindOfOrigin } from '../input/origin-kind.ts';
import type { UsageRow } from '../input/usage-row.ts';
import { type AffectedCounts, countAffected, noAffected } from './affected.ts';
import type { IncidentState } from './incident.ts';

const MOST_SIGNALS = 50;
const MOST_ORIGINS = 1_000;

/** Detections of one family that begin so close together have one cause. */
export const TOGETHER_MILLIS = 15 * 60_000;

/** An incident while evidence for it is gathered. */
export interface Draft {
  readonly id: string;
  readonly scope: Scope;
  readonly families: Set<Family>;
  /** Name of the first detector's subject: what later detections are compared with. */
  readonly subject: Subject;
  state: IncidentState;
  startedAt: number;
  /** End of the minute in which it was confirmed. */
  detectedAt: number;
  resolvedAt: number | undefined;
  /** Start of the last minute with evidence for it. */
  evidenceAt: number;
  recoveringSince: number | undefined;
  /** By detector and subject. */
  readonly signals: Map<string, Signal>;
  readonly affected: AffectedCounts;
  readonly against: Set<string>;
  /** Said when something about its course is to be known. */
  readonly course: string[];
  decisions: number;
  browserDecisions: number;
  allowedDecisions: number;
  statuses: ValueCounts;
  clientsHigh: number;
  clientsLow: number;
  /** How its calls are blocked (`blockKeyOf`). */
  readonly blockKeys: Set<string>;
  origins: Set<string>;
  isNoise: boolean;
  exposesCredentials: boolean;
  /** Once it paged it stays a page. */
  page: boolean;
  /** Decisions of each version while it lasts, and minutes in which versions without blocked calls ran beside the others. */
  readonly versionTotals: ValueCounts;
  /** The same, since the last evidence: of no account if there is no more. */
  readonly versionsSince: ValueCounts;
  example: UsageRow | undefined;
  /** Times at which it fired again. */
  readonly refired: number[];
  closedBy: string | undefined;
}

/** @param at end of the minute */
export function openDraft(scope: Scope, detection: Detection, at: number): Draft {
  const { since, subject, family } = detection;
  const id = createHash('sha256')
    .update(JSON.stringify([scope.service, scope.environment, family, subject.kind, subject.value, since]))
    .digest('hex')
    .slice(0, 16);
  return {
    id,
    scope,
    families: new Set([family]),
    subject,
    state: 'pending',
    startedAt: since,
    detectedAt: at,
    resolvedAt: undefined,
    evidenceAt: since,
    recoveringSince: undefined,
    signals: new Map(),
    affected: noAffected(),
    against: new Set(),
    course: [],
    decisions: 0,
    browserDecisions: 0,
    allowedDecisions: 0,
    statuses: new Map(),
    clientsHigh: 0,
    clientsLow: 0,
    blockKeys: new Set(),
    origins: new Set(),
    isNoise: true,
    exposesCredentials: false,
    page: false,
    versionTotals: new Map(),
    versionsSince: new Map(),
    example: undefined,
    refired: [],
    closedBy: undefined,
  };
}

export function addDetection(draft: Draft, detection: Detection, minute: number, at: number): void {
  draft.families.add(detection.family);
  draft.startedAt = Math.min(draft.startedAt, detection.since);
  draft.evidenceAt = minute;
  for (const [version, decisions] of draft.versionsSince) {
    draft.versionTotals.set(version, (draft.versionTotals.get(version) ?? 0) + decisions);
  }
  draft.versionsSince.clear();
  if (detection.exposesCredentials) draft.exposesCredentials = true;
  for (const sentence of detection.against ?? []) {
    if (draft.against.size < MOST_SIGNALS) draft.against.add(sentence);
  }
  for (const origin of detection.origins ?? [])
    if (draft.origins.size < MOST_ORIGINS) draft.origins.add(origin);
  addSignal(draft, detection, at);
  for (const row of detection.rows) addRow(draft, row);
}

function addSignal({ signals, scope }: Draft, detection: Detection, at: number): void {
  const { detector, subject, observed, expected, unit, score, since, sentence } = detection;
  const key = `${detector}\n${subject.kind}\n${subject.value}`;
  const known = signals.get(key);
  if (known === undefined && signals.size >= MOST_SIGNALS) return;
  // What is repeated keeps its first statement, and of its numbers the strongest.
  if (known !== undefined) {
    if (score > known.score) signals.set(key, { ...known, observed, expected, unit, score, sentence });
    return;
  }
  signals.set(key, {
    detector,
    service: scope.service,
    environment: scope.environment,
    subject,
    observed,
    expected,
    unit,
    score,
    since,
    at,
    sentence,
  });
}

function addRow(draft: Draft, row: UsageRow): void {
  countAffected(draft.affected, row);
  draft.decisions += row.decisions;
  if (row.browser) draft.browserDecisions += row.decisions;
  if (row.verdict === 'allowed') draft.allowedDecisions += row.decisions;
  if (row.reason !== '' && draft.blockKeys.size < MOST_ORIGINS) draft.blockKeys.add(blockKeyOf(row));
  const status = String(row.statusCode);
  draft.statuses.set(status, (draft.statuses.get(status) ?? 0) + row.decisions);
  draft.clientsHigh |= row.clientsHigh;
  draft.clientsLow |= row.clientsLow;
  if (draft.origins.size < MOST_ORIGINS) draft.origins.add(row.origin);
  if (!DEVELOPER_KINDS.has(kindOfOrigin(row.origin))) draft.isNoise = false;
  if (draft.example === undefined || draft.example.reason === '') draft.example = row;
}

/** Until then a roll-out may still go on in which both versions run. */
const ROLL_OUT_MILLIS = 15 * 60_000;

/** Which versions run while it lasts: beside each other for good, or only until a deployment is through. */
export function countVersions(draft: Draft, { rows, minute }: ScopeMinute): void {
  const { startedAt, versionsSince, versionTotals } = draft;
  if (minute === roundUp(startedAt + ROLL_OUT_MILLIS)) {
    versionTotals.clear();
    versionsSince.clear();
  }
  for (const { version, decisions } of rows) {
    versionsSince.set(version, (versionsSince.get(version) ?? 0) + decisions);
  }
}

function roundUp(time: number): number {
  return Math.ceil(time / 60_000) * 60_000;
}

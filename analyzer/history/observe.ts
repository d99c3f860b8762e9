import { OTHER } from '../../instrumentation/src/attributes.ts';
import { cappedDecisions } from '../input/clients.ts';
import type { UsageRow } from '../input/usage-row.ts';
import { blockKeyOf, type Call, callKeyOf, isBlocked, showsPolicy } from './call.ts';
import type { OriginHistory, Scope } from './scope.ts';

const MINUTE = 60_000;
/** A version that has not been seen for so long does not run any more. */
const VERSION_GONE_MILLIS = 5 * MINUTE;
const VERSION_GONE_DECISIONS = 20;
const MOST_ROWS = 200;
const CHANCE_DECISIONS = 3;

/** One minute of a service, sorted by what it says about origins and calls. */
export interface ScopeMinute {
  /** Start, epoch milliseconds. */
  readonly minute: number;
  readonly rows: readonly UsageRow[];
  /** Blocked by policy, from origins that are allowed otherwise. */
  readonly blockedKnown: readonly UsageRow[];
  /** Answered with an error that carries no CORS headers, to such origins. */
  readonly serverErrors: readonly UsageRow[];
  /** Origins that are seen for the first time. */
  readonly newOrigins: readonly OriginHistory[];
  /** Calls that were broken and are allowed again, with the version that allows them. */
  readonly recovered: readonly { readonly call: Call; readonly version: string }[];
}

/** Takes the rows of a minute into what is remembered of the service. */
export function observe(scope: Scope, minute: number, rows: readonly UsageRow[]): ScopeMinute {
  const facts = { blockedKnown: [] as UsageRow[], serverErrors: [] as UsageRow[] };
  const newOrigins: OriginHistory[] = [];
  const recovered: { call: Call; version: string }[] = [];
  scope.maintain(minute);
  let decisions = 0;
  for (const row of rows) {
    if (isTraffic(scope, row)) decisions += cappedDecisions(row.decisions, row.clientsHigh, row.clientsLow);
    observeVersion(scope, row);
  }
  scope.total.advance(minute);
  if (rows.length > 0) {
    scope.lastAt = minute;
    scope.total.count(minute, decisions);
  }
  // What was allowed first: a block in the minute in which a call was last allowed came after it.
  const blocked = rows.filter((row) => isBlocked(row, scope.calls.get(callKeyOf(row))));
  const isAmong = new Set(blocked);
  for (const row of rows) {
    if (isAmong.has(row)) continue;
    scope.countUsual(row);
    if (row.verdict === 'allowed' || row.reason === 'credentials_mode_unknown') {
      observeAllowed(scope, row, recovered);
    }
  }
  for (const row of blocked) observeBlocked(scope, row, facts);
  for (const row of rows) {
    if (row.origin === '' || row.origin === OTHER) continue;
    const origin = scope.originOf(row);
    if (origin.firstAt === minute && origin.days.length === 0) newOrigins.push(origin);
    scope.countOrigin(origin, row);
  }
  for (const { call } of recovered) {
    call.brokenSince = undefined;
    call.blocks = undefined;
    scope.broken.delete(call);
  }
  return { minute, rows, ...facts, newOrigins, recovered };
}

/** Whether it belongs to the service's own traffic: strangers that are blocked come as they like. */
function isTraffic(scope: Scope, { verdict, origin, minute }: UsageRow): boolean {
  if (verdict !== 'blocked') return true;
  const known = scope.origins.get(origin);
  return known !== undefined && scope.isKnown(known, minute);
}

function observeVersion(scope: Scope, { version, minute, decisions }: UsageRow): void {
  const known = scope.versions.get(version);
  scope.decisions += decisions;
  if (known === undefined) {
    scope.versions.set(version, {
      version,
      firstAt: minute,
      lastAt: minute,
      decisionsUntil: scope.decisions,
    });
  } else {
    known.lastAt = minute;
    known.decisionsUntil = scope.decisions;
  }
}

function observeAllowed(scope: Scope, row: UsageRow, recovered: { call: Call; version: string }[]): void {
  const { minute, version } = row;
  const call = callOf(scope, row);
  call.allowed += row.decisions;
  if (row.verdict === 'allowed') call.surelyAllowed += row.decisions;
  call.lastAllowedAt = minute;
  if (row.kind === 'preflight' && row.requestedHeaders !== '') {
    for (const name of row.requestedHeaders.split(',')) scope.allowedHeaders.set(name, minute);
  }
  const origin = scope.origins.get(row.origin);
  if (origin !== undefined && scope.isKnown(origin, minute)) {
    scope.knownDecisions += cappedDecisions(row.decisions, row.clientsHigh, row.clientsLow);
  }
  if (call.blocks === undefined) return;
  if (call.brokenSince !== undefined) {
    if (!isAllowedAgain(scope, call, row)) return;
    recovered.push({ call, version });
    // So few, and the same version allows it again: it was chance.
    const { capped = 0 } = call.blocks.get(version) ?? {};
    if (capped <= CHANCE_DECISIONS) scope.contradicted += capped;
    return;
  }
  const blocks = call.blocks.get(version);
  if (blocks !== undefined && blocks.since < minute) {
    scope.contradicted += blocks.capped;
    scope.blocks.delete(blocks);
    call.blocks.delete(version);
    if (call.blocks.size === 0) call.blocks = undefined;
  }
}

/** By a version that blocked it, or because the versions that block it are gone. */
function isAllowedAgain(scope: Scope, call: Call, { minute, version }: UsageRow): boolean {
  if (call.lastBlockedAt >= minute - MINUTE) return false;
  const versions = [...(call.blocks?.keys() ?? [])];
  return versions.includes(version) || versions.every((blocking) => isGone(scope, blocking, minute));
}

function isGone(scope: Scope, version: string, minute: number): boolean {
  const { lastAt = 0, decisionsUntil = 0 } = scope.versions.get(version) ?? {};
  return lastAt < minute - VERSION_GONE_MILLIS && scope.decisions - decisionsUntil >= VERSION_GONE_DECISIONS;
}

function observeBlocked(
  scope: Scope,
  row: UsageRow,
  facts: { blockedKnown: UsageRow[]; serverErrors: UsageRow[] },
): void {
  const { minute, version } = row;
  const origin = scope.origins.get(row.origin);
  // What was allowed before is blocked by a change, not as usual.
  if ((scope.calls.get(callKeyOf(row))?.allowed ?? 0) === 0) scope.countReason(row.reason, row.decisions);
  if (origin === undefined || !scope.isKnown(origin, minute)) return;
  const capped = cappedDecisions(row.decisions, row.clientsHigh, row.clientsLow);
  scope.knownDecisions += capped;
  if (!showsPolicy(row)) {
    facts.serverErrors.push(row);
    return;
  }
  const call = callOf(scope, row);
  call.lastBlockedAt = minute;
  facts.blockedKnown.push(row);
  if (scope.accepted.has(blockKeyOf(row))) scope.forgetAllowed(call);
  if (call.allowed === 0) return;
  call.blocks ??= new Map();
  let blocks = call.blocks.get(version);
  if (blocks === undefined) {
    blocks = {
      call,
      version,
      since: minute,
      decisions: 0,
      capped: 0,
      clientsHigh: 0,
      clientsLow: 0,
      rows: [],
    };
    call.blocks.set(version, blocks);
  }
  blocks.decisions += row.decisions;
  blocks.capped += capped;
  blocks.clientsHigh |= row.clientsHigh;
  blocks.clientsLow |= row.clientsLow;
  if (call.brokenSince !== undefined) return;
  if (blocks.rows.length < MOST_ROWS) blocks.rows.push(row);
  scope.blocks.add(blocks);
}

function callOf(scope: Scope, row: UsageRow): Call {
  const key = callKeyOf(row);
  let call = scope.calls.get(key);
  if (call === undefined) {
    call = {
      key,
      origin: row.origin,
      allowed: 0,
      surelyAllowed: 0,
      lastAllowedAt: 0,
      lastBlockedAt: 0,
      lastAt: row.minute,
      blocks: undefined,
      brokenSince: undefined,
    };
    scope.calls.set(key, call);
  }
  call.lastAt = row.minute;
  return call;
}

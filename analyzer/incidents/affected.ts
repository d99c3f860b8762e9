import type { Scope, ValueCounts } from '../history/scope.ts';
import type { UsageRow } from '../input/usage-row.ts';
import type { AffectedValue, Incident } from './incident.ts';

const SHOWN = 10;
/** Strangers choose values: of each attribute this many are counted by name. */
const MOST_VALUES = 1_000;

/** Counts of the affected decisions, by attribute. */
export interface AffectedCounts {
  readonly origins: ValueCounts;
  readonly routes: ValueCounts;
  readonly reasons: ValueCounts;
  readonly requestedHeaders: ValueCounts;
  readonly versions: ValueCounts;
  readonly methods: ValueCounts;
}

export function noAffected(): AffectedCounts {
  return {
    origins: new Map(),
    routes: new Map(),
    reasons: new Map(),
    requestedHeaders: new Map(),
    versions: new Map(),
    methods: new Map(),
  };
}

export function countAffected(counts: AffectedCounts, row: UsageRow): void {
  const { decisions } = row;
  add(counts.origins, row.origin, decisions);
  add(counts.routes, row.route, decisions);
  add(counts.versions, row.version, decisions);
  add(counts.methods, row.method, decisions);
  if (row.reason !== '') add(counts.reasons, row.reason, decisions);
  if (row.reason === 'header_not_allowed' && row.detail !== '') {
    add(counts.requestedHeaders, row.detail, decisions);
  } else if (row.requestedHeaders !== '') {
    for (const name of row.requestedHeaders.split(',')) add(counts.requestedHeaders, name, decisions);
  }
}

function add(counts: ValueCounts, value: string, decisions: number): void {
  if (!counts.has(value) && counts.size >= MOST_VALUES) return;
  counts.set(value, (counts.get(value) ?? 0) + decisions);
}

/** Most affected first, against what is usual. */
export function affectedValues(counts: AffectedCounts, scope: Scope): Incident['affected'] {
  const { usual } = scope;
  return {
    origins: ranked(counts.origins, usual.origin),
    routes: ranked(counts.routes, usual.route),
    reasons: ranked(counts.reasons, usual.reason),
    requestedHeaders: ranked(
      counts.requestedHeaders,
      usual.requestedHeader,
      sumOf(counts.origins),
      usual.kind.get('preflight') ?? 0,
    ),
    versions: ranked(counts.versions, usual.version),
  };
}

/** @param all affected decisions, and `usually` the usual ones, where a decision may have several values */
function ranked(
  counts: ValueCounts,
  usual: ValueCounts,
  all = sumOf(counts),
  usually = sumOf(usual),
): AffectedValue[] {
  return [...counts]
    .sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
    .slice(0, SHOWN)
    .map(([value, decisions]) => ({
      value,
      decisions,
      share: all === 0 ? 0 : decisions / all,
      baselineShare: usually === 0 ? 0 : (usual.get(value) ?? 0) / usually,
    }));
}

export function sumOf(counts: ValueCounts): number {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
}

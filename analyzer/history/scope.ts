import { cappedDecisions, estimateClients } from '../input/clients.ts';
import { kindOfOrigin, NOISE_KINDS, type OriginKind, siteOf } from '../input/origin-kind.ts';
import type { UsageRow } from '../input/usage-row.ts';
import { SeasonalSeries } from '../statistics/seasonal-series.ts';
import { type Blocks, blockKeyOf, type Call } from './call.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
/** What has not been seen for so long is forgotten. */
const REMEMBERED_MILLIS = 15 * DAY;
/** Strangers choose origins and headers: what is remembered of a service is bounded. */
const MOST_CALLS = 50_000;
const MOST_ORIGINS = 5_000;
/** Of one attribute. */
const MOST_VALUES = 5_000;
/** An origin with fewer decisions has no series of its own. */
const SERIES_FROM = 150;

/** Said of origins that were tried on the service: that they are blocked later breaks nothing. */
export const SUSPECT = 'suspect';

export interface OriginHistory {
  readonly origin: string;
  readonly kind: OriginKind;
  readonly site: string;
  readonly firstAt: number;
  lastAt: number;
  allowed: number;
  blocked: number;
  firstAllowedAt: number;
  lastAllowedAt: number;
  lastBlockedAt: number;
  /** Allowed by its own name, and with credentials. */
  exact: number;
  credentialed: number;
  browser: number;
  clientsHigh: number;
  clientsLow: number;
  /** Days since 1970 on which it was seen, the newest eight. */
  days: number[];
  series: SeasonalSeries | undefined;
  /** What has been said about it already. */
  readonly reported: Set<string>;
}

/** How often each value of an attribute occurs, halved every day. */
export type ValueCounts = Map<string, number>;

export const ATTRIBUTES = [
  'origin',
  'route',
  'version',
  'method',
  'kind',
  'browser',
  'requestedHeader',
  'reason',
] as const;
export type Attribute = (typeof ATTRIBUTES)[number];

export interface VersionHistory {
  readonly version: string;
  readonly firstAt: number;
  lastAt: number;
  /** Decisions of all versions until then. */
  decisionsUntil: number;
}

/** What is remembered of a service in an environment. */
export class Scope {
  readonly service: string;
  readonly environment: string;
  readonly startedAt: number;
  /** Of the last minute with any decisions. */
  lastAt: number;
  readonly total: SeasonalSeries;
  readonly calls = new Map<string, Call>();
  readonly origins = new Map<string, OriginHistory>();
  readonly versions = new Map<string, VersionHistory>();
  /** Header names that an allowed preflight asked for. */
  readonly allowedHeaders = new Map<string, number>();
  /** Blocks of calls that were allowed before, not yet broken. */
  readonly blocks = new Set<Blocks>();
  readonly broken = new Set<Call>();
  /** Blocks (see `blockKeyOf`) that a person called the new normal. */
  readonly accepted = new Set<string>();
  /** Decisions of known origins; and blocks of theirs after which the same call was allowed again. Decayed daily. */
  decisions = 0;
  knownDecisions = 0;
  contradicted = 0;
  readonly usual: Record<Attribute, ValueCounts> = {
    origin: new Map(),
    route: new Map(),
    version: new Map(),
    method: new Map(),
    kind: new Map(),
    browser: new Map(),
    // Of preflights, which alone ask for headers.
    requestedHeader: new Map(),
    // Of all decisions, '' of those that were not blocked; until the last midnight, so that no incident is usual to itself.
    reason: new Map(),
  };
  #reasonsToday: ValueCounts = new Map();
  #decayedOn: number;

  constructor(service: string, environment: string, minute: number) {
    this.service = service;
    this.environment = environment;
    this.startedAt = minute;
    this.lastAt = minute;
    this.total = new SeasonalSeries(minute);
    this.#decayedOn = Math.floor(minute / DAY);
  }

  /** How long the scope is known, in milliseconds. */
  age(minute: number): number {
    return minute - this.startedAt;
  }

  originOf(row: UsageRow): OriginHistory {
    let known = this.origins.get(row.origin);
    if (known === undefined) {
      if (this.origins.size >= MOST_ORIGINS) this.#forgetOrigins(row.minute, MOST_ORIGINS * 0.8);
      known = newOrigin(row);
      this.origins.set(row.origin, known);
    }
    return known;
  }

  /** Whether browsers were allowed to call from the origin before this minute, more than by accident. */
  isKnown(origin: OriginHistory, minute: number): boolean {
    const { allowed, firstAllowedAt, days, clientsHigh, clientsLow, reported } = origin;
    if (allowed < 3 || firstAllowedAt >= minute - MINUTE || reported.has(SUSPECT)) return false;
    // Developers and extensions are usually allowed by mistake more often than on purpose.
    if (NOISE_KINDS.has(origin.kind) && origin.kind !== 'app shell') {
      return allowed >= 20 && allowed >= origin.blocked && days.length >= 2;
    }
    if (days.length >= 2 && firstAllowedAt < minute - DAY / 4) return true;
    const clients = estimateClients(clientsHigh, clientsLow);
    return allowed >= 20 && (clients === 0 || clients >= 2);
  }

  countOrigin(origin: OriginHistory, row: UsageRow): void {
    const { minute } = row;
    origin.lastAt = minute;
    const day = Math.floor(minute / DAY);
    if (origin.days.at(-1) !== day) origin.days = [...origin.days, day].slice(-8);
    if (row.verdict === 'allowed' || row.reason === 'credentials_mode_unknown') {
      origin.allowed += row.decisions;
      origin.firstAllowedAt = Math.min(origin.firstAllowedAt, minute);
      origin.lastAllowedAt = minute;
      if (row.allowOrigin === 'exact') {
        origin.exact += row.decisions;
        if (row.allowCredentials) origin.credentialed += row.decisions;
      }
    } else if (row.verdict === 'blocked') {
      origin.blocked += row.decisions;
      origin.lastBlockedAt = minute;
    }
    if (row.browser) origin.browser += row.decisions;
    origin.clientsHigh |= row.clientsHigh;
    origin.clientsLow |= row.clientsLow;
    if (origin.series === undefined && origin.allowed + origin.blocked >= SERIES_FROM) {
      origin.series = new SeasonalSeries(minute);
    }
    origin.series?.count(minute, cappedDecisions(row.decisions, row.clientsHigh, row.clientsLow));
  }

  /** What is usual for decisions that nothing is wrong with. */
  countUsual(row: UsageRow): void {
    const { usual } = this;
    add(usual.origin, row.origin, row.decisions);
    add(usual.route, row.route, row.decisions);
    add(usual.version, row.version, row.decisions);
    add(usual.method, row.method, row.decisions);
    add(usual.kind, row.kind, row.decisions);
    add(usual.browser, row.browser ? 'browser' : 'other client', row.decisions);
    if (row.kind === 'preflight' && row.requestedHeaders !== '') {
      for (const name of row.requestedHeaders.split(',')) add(usual.requestedHeader, name, row.decisions);
    }
    this.countReason('', row.decisions);
  }

  /** @param reason why decisions were blocked that no change of a policy explains; '' of those that were not */
  countReason(reason: string, decisions: number): void {
    add(this.#reasonsToday, reason, decisions);
  }

  /** Blocks of these kinds are the new normal: the calls were never allowed. */
  accept(blockKeys: Iterable<string>): void {
    for (const key of blockKeys) this.accepted.add(key);
    for (const call of this.broken) {
      const rows = [...(call.blocks?.values() ?? [])].flatMap(({ rows }) => rows.slice(0, 1));
      if (rows.some((row) => this.accepted.has(blockKeyOf(row)))) this.forgetAllowed(call);
    }
  }

  forgetAllowed(call: Call): void {
    call.allowed = 0;
    call.surelyAllowed = 0;
    call.brokenSince = undefined;
    for (const blocks of call.blocks?.values() ?? []) this.blocks.delete(blocks);
    call.blocks = undefined;
    this.broken.delete(call);
  }

  /** Once a minute. */
  maintain(minute: number): void {
    const day = Math.floor(minute / DAY);
    if (day === this.#decayedOn) return;
    this.#decayedOn = day;
    this.knownDecisions *= 0.9;
    this.contradicted *= 0.9;
    for (const counts of Object.values(this.usual)) {
      for (const [value, count] of counts) {
        if (count < 1) counts.delete(value);
        else counts.set(value, count / 2);
      }
    }
    for (const [reason, count] of this.#reasonsToday) add(this.usual.reason, reason, count);
    this.#reasonsToday = new Map();
    for (const [key, call] of this.calls) {
      if (call.lastAt < minute - REMEMBERED_MILLIS) this.calls.delete(key);
    }
    if (this.calls.size > MOST_CALLS) this.#forgetCalls();
    this.#forgetOrigins(minute, MOST_ORIGINS);
    for (const [version, { lastAt }] of this.versions) {
      if (lastAt < minute - REMEMBERED_MILLIS) this.versions.delete(version);
    }
  }

  #forgetCalls(): void {
    const oldest = [...this.calls.values()].sort((a, b) => a.lastAt - b.lastAt || (a.key < b.key ? -1 : 1));
    for (const { key } of oldest.slice(0, this.calls.size - MOST_CALLS)) this.calls.delete(key);
  }

  #forgetOrigins(minute: number, most: number): void {
    for (const [origin, { lastAt }] of this.origins) {
      if (lastAt < minute - REMEMBERED_MILLIS) this.origins.delete(origin);
    }
    if (this.origins.size <= most) return;
    // Strangers that were only blocked go first.
    const order = [...this.origins.values()].sort(
      (a, b) =>
        Math.min(a.allowed, 1) - Math.min(b.allowed, 1) ||
        a.lastAt - b.lastAt ||
        (a.origin < b.origin ? -1 : 1),
    );
    for (const { origin } of order.slice(0, this.origins.size - most)) this.origins.delete(origin);
  }
}

function newOrigin({ origin, minute }: UsageRow): OriginHistory {
  return {
    origin,
    kind: kindOfOrigin(origin),
    site: siteOf(origin),
    firstAt: minute,
    lastAt: minute,
    allowed: 0,
    blocked: 0,
    firstAllowedAt: Number.POSITIVE_INFINITY,
    lastAllowedAt: 0,
    lastBlockedAt: 0,
    exact: 0,
    credentialed: 0,
    browser: 0,
    clientsHigh: 0,
    clientsLow: 0,
    days: [],
    series: undefined,
    reported: new Set(),
  };
}

function add(counts: ValueCounts, value: string, count: number): void {
  if (counts.size >= MOST_VALUES && !counts.has(value)) return;
  counts.set(value, (counts.get(value) ?? 0) + count);
}

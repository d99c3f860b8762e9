import { counted } from '../../core/counted.ts';
import { OTHER } from '../../instrumentation/src/attributes.ts';
import type { ScopeMinute } from '../history/observe.ts';
import type { OriginHistory, Scope } from '../history/scope.ts';
import { estimateClients } from '../input/clients.ts';
import { DEVELOPER_KINDS, describeOrigin } from '../input/origin-kind.ts';
import { decisionsOf, type UsageRow } from '../input/usage-row.ts';
import type { Detection } from './detection.ts';
import { shiftOf } from './shift.ts';

const HOUR = 3_600_000;
/** Blocked decisions, and allowed ones, that show what the policy was and is. */
const LEAST_DECISIONS = 3;
/** Decisions without credentials after which credentials are new. */
const ENOUGH_WITHOUT_CREDENTIALS = 50;
const NAMED = 3;

interface Widened {
  readonly origin: OriginHistory;
  readonly since: number;
  /** Decisions blocked before; 0 where only credentials are new. */
  readonly blocked: number;
  readonly rows: UsageRow[];
  decisions: number;
}

/**
 * Origins that were always blocked and are allowed now, or that were allowed without credentials and are allowed with
 * them. CORS is deterministic: the policy was widened.
 */
export class PolicyWidenedWatch {
  readonly #scope: Scope;
  readonly #candidates = new Map<string, Widened>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  detect({ minute, rows }: ScopeMinute): Detection[] {
    if (this.#scope.age(minute) < HOUR) return [];
    const found: Widened[] = [];
    const allowed = rows.filter(({ verdict, origin }) => verdict === 'allowed' && origin !== OTHER);
    for (const [name, own] of Map.groupBy(allowed, ({ origin }) => origin)) {
      const origin = this.#scope.origins.get(name);
      // Extensions have a detector of their own.
      if (origin === undefined || DEVELOPER_KINDS.has(origin.kind) || origin.reported.has('widened'))
        continue;
      const widened = this.#candidates.get(name) ?? candidateOf(origin, own, minute);
      if (widened === undefined) continue;
      this.#candidates.set(name, widened);
      widened.rows.push(...own.slice(0, 20));
      widened.decisions += decisionsOf(own);
      if (widened.decisions < LEAST_DECISIONS) continue;
      origin.reported.add('widened');
      this.#candidates.delete(name);
      found.push(widened);
    }
    for (const [name, { since }] of this.#candidates) {
      if (since < minute - 24 * HOUR) this.#candidates.delete(name);
    }
    return found.length === 0 ? [] : [this.#detectionOf(found)];
  }

  #detectionOf(found: readonly Widened[]): Detection {
    const rows = found.flatMap((widened) => widened.rows);
    const [only, ...others] = found.map(({ origin }) => origin.origin);
    const isSingle = only !== undefined && others.length === 0;
    const shift = shiftOf(
      'policy_widened',
      isSingle ? { kind: 'origin', value: only } : { kind: 'service', value: this.#scope.service },
      {
        observed: found.reduce((sum, { decisions }) => sum + decisions, 0),
        expected: 0,
        unit: 'decisions',
        score: 0,
        since: Math.min(...found.map(({ since }) => since)),
        sentence: sentenceOf(found, rows),
        origins: found.map(({ origin }) => origin.origin),
        against: this.#against(found, rows),
      },
    );
    return { ...shift, rows };
  }

  #against(found: readonly Widened[], rows: readonly UsageRow[]): string[] {
    if (rows.some(({ allowOrigin }) => allowOrigin === 'wildcard')) {
      return ['The policy allows every site now: is that meant?'];
    }
    return found
      .filter(
        ({ origin, rows: own }) => own.some(isCredentialed) && this.#isUnrelated(origin) && !isUsed(origin),
      )
      .slice(0, NAMED)
      .map(
        ({ origin: { origin } }) =>
          `${origin} has nothing to do with the sites that were allowed before, may send credentials, and is not called by several browsers.`,
      );
  }

  /** No other origin of the same site was allowed by name. */
  #isUnrelated({ origin, site, firstAllowedAt }: OriginHistory): boolean {
    if (site === '') return true;
    return ![...this.#scope.origins.values()].some(
      (other) =>
        other.site === site &&
        other.origin !== origin &&
        other.exact > 0 &&
        other.firstAllowedAt < firstAllowedAt,
    );
  }
}

function candidateOf(origin: OriginHistory, own: readonly UsageRow[], minute: number): Widened | undefined {
  const candidate = { origin, since: minute, blocked: 0, rows: [], decisions: 0 };
  if (origin.firstAllowedAt === minute) {
    return origin.blocked >= LEAST_DECISIONS ? { ...candidate, blocked: origin.blocked } : undefined;
  }
  // All that it was ever allowed with credentials is of this minute.
  const credentialed = decisionsOf(own.filter(isCredentialed));
  const isNew = credentialed > 0 && origin.credentialed === credentialed;
  return isNew && origin.exact - credentialed >= ENOUGH_WITHOUT_CREDENTIALS ? candidate : undefined;
}

function isCredentialed({ allowOrigin, allowCredentials }: UsageRow): boolean {
  return allowOrigin === 'exact' && allowCredentials;
}

function isUsed({ browser, allowed, blocked, clientsHigh, clientsLow }: OriginHistory): boolean {
  const clients = estimateClients(clientsHigh, clientsLow);
  return browser >= 0.8 * (allowed + blocked) && (clients === 0 || clients >= 2);
}

function sentenceOf(found: readonly Widened[], rows: readonly UsageRow[]): string {
  const blocked = found.reduce((sum, widened) => sum + widened.blocked, 0);
  const names = found.slice(0, NAMED).map(({ origin: { origin } }) => nameOf(origin));
  const more = found.length > NAMED ? ` and ${found.length - NAMED} more` : '';
  const credentials = rows.some(isCredentialed) ? 'with credentials' : 'without credentials';
  const now = rows.some(({ allowOrigin }) => allowOrigin === 'wildcard')
    ? 'are allowed now, as those of every origin (*)'
    : `are allowed now, ${credentials}`;
  const before =
    blocked > 0
      ? `were blocked before (${counted(blocked, 'decision')})`
      : 'were allowed without credentials';
  return `The policy was widened: calls of ${names.join(', ')}${more} ${before} and ${now}.`;
}

function nameOf(origin: string): string {
  const description = describeOrigin(origin);
  return description === '' ? origin : `${origin} (${description})`;
}

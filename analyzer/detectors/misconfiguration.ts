import type { ScopeMinute } from '../history/observe.ts';
import type { Scope } from '../history/scope.ts';
import { hostOf, kindOfOrigin, siteOf } from '../input/origin-kind.ts';
import { decisionsOf, type UsageRow } from '../input/usage-row.ts';
import type { Detection, Misconfiguration, Subject } from './detection.ts';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const UNRELATED_SITES = 3;
const UNRELATED_SITES_DESPITE_BLOCKS = 6;
const SUBDOMAINS = 10;

interface Flaw {
  readonly name: Misconfiguration;
  readonly subject: Subject;
  readonly sentence: string;
  readonly rows: UsageRow[];
  readonly exposesCredentials?: boolean;
}

interface Allowed {
  readonly at: number;
  readonly rows: UsageRow[];
}

/**
 * What allowed requests prove about a policy (a name from each is a page of docs/runbooks). Found once: it is said
 * again only for new evidence of a flaw that was not there before.
 */
export class MisconfigurationWatch {
  readonly #scope: Scope;
  readonly #known = new Set<Misconfiguration>();
  /** Sites, and subdomains of a site, that were first allowed by name in the last day. */
  readonly #newSites = new Map<string, Allowed>();
  readonly #newHosts = new Map<string, Map<string, Allowed>>();
  readonly #sitesBefore = new Set<string>();
  readonly #hosts = new Map<string, number>();
  readonly #extensions = new Set<string>();
  #lastStrangerBlockedAt = 0;
  #exactOrigins = new Set<string>();
  #withVary = 0;
  #withoutVary = 0;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  detect({ minute, rows }: ScopeMinute): Detection[] {
    const flaws = new Map<string, Flaw>();
    for (const row of rows) {
      for (const flaw of this.#flawsOf(row)) {
        const known = flaws.get(flaw.name);
        if (known === undefined) flaws.set(flaw.name, flaw);
        else known.rows.push(...flaw.rows);
      }
      this.#remember(row);
    }
    const reflection = this.#reflection(minute);
    if (reflection !== undefined) flaws.set(reflection.name, reflection);
    const subdomains = this.#anySubdomain(minute);
    if (subdomains !== undefined) flaws.set(subdomains.name, subdomains);
    return [...flaws.values()]
      .filter(({ name }) => !this.#known.has(name))
      .map((flaw) => {
        this.#known.add(flaw.name);
        return detectionOf(flaw, minute);
      });
  }

  /** What one allowed request proves. */
  *#flawsOf(row: UsageRow): Iterable<Flaw> {
    if (row.allowOrigin === 'wildcard' && row.allowCredentials) {
      yield flaw(
        'wildcard_with_credentials',
        { kind: 'reason', value: 'wildcard_with_credentials' },
        row,
        'Access-Control-Allow-Origin: * is sent with Access-Control-Allow-Credentials: true, which no browser accepts; some servers that say so reflect every origin.',
      );
    }
    if (row.verdict !== 'allowed') return;
    if (row.origin === 'null' && (row.allowOrigin === 'null' || row.allowOrigin === 'exact')) {
      yield flaw(
        'null_allowed',
        { kind: 'origin', value: 'null' },
        row,
        'Origin null is allowed: sandboxed frames of any site send it.',
      );
      return;
    }
    if (row.allowOrigin !== 'exact') return;
    yield* this.#originFlaws(row);
    if (row.kind === 'actual' && !row.varyOrigin && this.#exactOrigins.size >= 2) {
      this.#withoutVary += row.decisions;
      const isNew = this.#withVary >= 50 && this.#withoutVary >= 10;
      if (isNew) {
        yield flaw(
          'missing_vary_origin',
          { kind: 'header', value: 'vary' },
          row,
          `Access-Control-Allow-Origin depends on the origin (${this.#exactOrigins.size} are allowed), and Vary: Origin is missing: a cache may give one origin the answer for another.`,
        );
      }
    } else if (row.kind === 'actual') this.#withVary += row.decisions;
  }

  *#originFlaws(row: UsageRow): Iterable<Flaw> {
    const { origin } = row;
    const isNew = !this.#exactOrigins.has(origin);
    if (!isNew) return;
    const kind = kindOfOrigin(origin);
    if (kind === 'extension') {
      this.#extensions.add(origin);
      if (this.#extensions.size >= 2) {
        yield flaw(
          'any_extension',
          { kind: 'origin', value: origin },
          row,
          `${this.#extensions.size} browser extensions are allowed: any extension seems to be.`,
        );
      }
      return;
    }
    const host = hostOf(origin);
    if (host === '' || kind !== 'website') return;
    if (origin.startsWith('http:') && this.#mostlyHttps()) {
      yield flaw(
        'http_on_https',
        { kind: 'origin', value: origin },
        row,
        `${origin} is allowed without TLS: whoever is on the network can speak for it.`,
      );
    }
    for (const trusted of this.#hosts.keys()) {
      if (trusted === host || siteOf(`https://${trusted}`) === siteOf(origin)) continue;
      if (host.startsWith(trusted)) {
        yield flaw(
          'prefix_match',
          { kind: 'origin', value: origin },
          row,
          `${origin} is allowed and begins with ${trusted}: the policy compares beginnings.`,
        );
      } else if (host.endsWith(trusted) && host.at(-trusted.length - 1) !== '.') {
        yield flaw(
          'suffix_match',
          { kind: 'origin', value: origin },
          row,
          `${origin} is allowed and ends with ${trusted}: the policy compares ends.`,
        );
      } else if (differsAtDots(host, trusted)) {
        yield flaw(
          'unescaped_dot',
          { kind: 'origin', value: origin },
          row,
          `${origin} is allowed and differs from ${trusted} only where that has a dot: the policy's pattern does not escape it.`,
        );
      }
    }
  }

  #remember(row: UsageRow): void {
    const { minute, origin } = row;
    if (row.verdict === 'blocked' && (row.reason === 'acao_missing' || row.reason === 'acao_mismatch')) {
      const known = this.#scope.origins.get(origin);
      if (known !== undefined && known.allowed === 0 && known.kind === 'website')
        this.#lastStrangerBlockedAt = minute;
      return;
    }
    if (row.verdict !== 'allowed' || row.allowOrigin !== 'exact') return;
    this.#exactOrigins.add(origin);
    const host = hostOf(origin);
    if (host === '') return;
    const site = this.#scope.origins.get(origin)?.site ?? siteOf(origin);
    const isLearning = this.#scope.age(minute) < DAY;
    if (!this.#hosts.has(host)) {
      if (!isLearning) {
        const hosts = this.#newHosts.get(site) ?? new Map<string, Allowed>();
        hosts.set(host, { at: minute, rows: [row] });
        this.#newHosts.set(site, hosts);
      }
      if (this.#hosts.size < 2_000) this.#hosts.set(host, minute);
    }
    // Developers' origins are not counted as a site.
    if (kindOfOrigin(origin) !== 'website') return;
    if (isLearning) this.#sitesBefore.add(site);
    else if (!this.#sitesBefore.has(site)) {
      const known = this.#newSites.get(site);
      if (known === undefined) this.#newSites.set(site, { at: minute, rows: [row] });
      else if (known.rows.length < 20) known.rows.push(row);
    }
    // A flaw can be found only once: what is remembered for it may be bounded.
    if (this.#exactOrigins.size > 5_000) this.#exactOrigins = new Set([...this.#exactOrigins].slice(-2_500));
  }

  /** Sites that have nothing to do with each other were allowed in the last day, and none was blocked since. */
  #reflection(minute: number): Flaw | undefined {
    for (const [site, { at }] of this.#newSites) {
      if (at > minute - DAY) continue;
      this.#newSites.delete(site);
      this.#sitesBefore.add(site);
    }
    const sites = [...this.#newSites];
    if (sites.length < UNRELATED_SITES) return undefined;
    // Of the newest ones: since when is what was blocked before of no account?
    const since = sites.at(-UNRELATED_SITES)?.[1].at ?? minute;
    const differs = this.#lastStrangerBlockedAt > since;
    if (differs && sites.length < UNRELATED_SITES_DESPITE_BLOCKS) return undefined;
    const rows = sites.flatMap(([, allowed]) => allowed.rows);
    const exposesCredentials = rows.some(({ allowCredentials }) => allowCredentials);
    const names = sites.slice(0, 3).map(([site]) => site);
    return {
      name: 'origin_reflection',
      subject: { kind: 'reason', value: 'origin_reflection' },
      sentence: `${sites.length} unrelated sites were allowed for the first time within a day (${names.join(', ')})${exposesCredentials ? ', with credentials' : ''}${differs ? '' : ', and no origin was blocked since'}: the policy reflects any origin.`,
      rows,
      exposesCredentials,
    };
  }

  #anySubdomain(minute: number): Flaw | undefined {
    for (const [site, hosts] of this.#newHosts) {
      for (const [host, { at }] of hosts) if (at <= minute - DAY) hosts.delete(host);
      if (hosts.size === 0) this.#newHosts.delete(site);
      if (hosts.size < SUBDOMAINS) continue;
      const rows = [...hosts.values()].flatMap((allowed) => allowed.rows);
      return {
        name: 'any_subdomain',
        subject: { kind: 'reason', value: 'any_subdomain' },
        sentence: `${hosts.size} subdomains of ${site} were allowed for the first time within a day: any subdomain seems to be, and whoever takes one over.`,
        rows,
      };
    }
    return undefined;
  }

  #mostlyHttps(): boolean {
    let https = 0;
    let http = 0;
    for (const origin of this.#exactOrigins) {
      if (origin.startsWith('https:')) https++;
      else if (origin.startsWith('http:') && kindOfOrigin(origin) === 'website') http++;
    }
    return https > 0 && https >= 3 * http;
  }
}

function flaw(name: Misconfiguration, subject: Subject, row: UsageRow, sentence: string): Flaw {
  return { name, subject, sentence, rows: [row] };
}

/** Equal but for characters that stand where the other has a dot. */
function differsAtDots(host: string, trusted: string): boolean {
  if (host.length !== trusted.length || host === trusted) return false;
  for (let at = 0; at < host.length; at++) {
    if (host[at] !== trusted[at] && trusted[at] !== '.') return false;
  }
  return true;
}

function detectionOf({ name, subject, sentence, rows, exposesCredentials }: Flaw, minute: number): Detection {
  return {
    family: 'misconfiguration',
    detector: name,
    subject,
    observed: decisionsOf(rows),
    expected: 0,
    unit: 'decisions',
    score: 0,
    since: Math.min(minute, ...rows.map((row) => row.minute)),
    sentence,
    isConfirmed: true,
    rows,
    origins: [...new Set(rows.map(({ origin }) => origin))],
    ...(exposesCredentials !== undefined && { exposesCredentials }),
  };
}

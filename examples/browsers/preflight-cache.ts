import { type Asked, get, type Headers, listOf } from './fetch-algorithm.ts';

/** Seconds without Access-Control-Max-Age: https://fetch.spec.whatwg.org/#cors-preflight-fetch */
const DEFAULT_SECONDS = 5;

interface Entry {
  readonly methods: readonly string[];
  readonly headerNames: readonly string[];
  readonly includesCredentials: boolean;
  readonly expires: number;
}

/** https://fetch.spec.whatwg.org/#cors-preflight-cache, by (origin, URL, credentials). */
export class PreflightCache {
  readonly #longestSeconds: number;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();

  constructor(longestSeconds: number, now: () => number) {
    this.#longestSeconds = longestSeconds;
    this.#now = now;
  }

  /** Whether an earlier preflight covers this one. */
  covers(origin: string, url: string, includesCredentials: boolean, asked: Asked): boolean {
    const entry = this.#entries.get(keyOf(origin, url, includesCredentials));
    if (entry === undefined || entry.expires <= this.#now()) return false;
    const isMethodCovered =
      ['GET', 'HEAD', 'POST'].includes(asked.method) || has(entry, entry.methods, asked.method);
    return isMethodCovered && asked.headerNames.every((name) => has(entry, entry.headerNames, name));
  }

  /** Stores what a successful preflight has allowed. */
  store(origin: string, url: string, includesCredentials: boolean, response: Headers): void {
    const sent = get(response, 'access-control-max-age');
    const seconds = sent !== null && /^\d+$/.test(sent) ? Number(sent) : DEFAULT_SECONDS;
    const methods = listOf(response, 'access-control-allow-methods');
    const headerNames = listOf(response, 'access-control-allow-headers');
    this.#entries.set(keyOf(origin, url, includesCredentials), {
      methods: methods === 'failure' ? [] : methods,
      headerNames: headerNames === 'failure' ? [] : headerNames.map((name) => name.toLowerCase()),
      includesCredentials,
      expires: this.#now() + Math.min(seconds, this.#longestSeconds) * 1000,
    });
  }
}

function has(entry: Entry, allowed: readonly string[], token: string): boolean {
  return allowed.includes(token) || (!entry.includesCredentials && allowed.includes('*'));
}

function keyOf(origin: string, url: string, includesCredentials: boolean): string {
  return JSON.stringify([origin, url, includesCredentials]);
}

import type { CDPSession } from 'playwright-core';
import type { Reason } from '../../instrumentation/src/fetch-standard/decision.ts';
import type { Headers } from './fetch-algorithm.ts';

/** One exchange on the wire, according to the browser's network log. */
export interface WireExchange {
  readonly kind: 'preflight' | 'actual';
  /** Names in lower case. */
  readonly sent: Readonly<Record<string, string>>;
  readonly answer: { readonly status: number; readonly headers: Headers };
}

/** The result of a script's fetch. */
export interface NetworkLog {
  readonly exchanges: readonly WireExchange[];
  /** Why the browser blocked it, and at which exchange; undefined when it did not. */
  readonly blocked: { readonly kind: WireExchange['kind']; readonly reason: Reason } | undefined;
}

/** Maps Chromium's reasons (`Network.CorsError`) to ours; those of preflights have a prefix. */
const REASONS: Readonly<Record<string, Reason>> = {
  MissingAllowOriginHeader: 'acao_missing',
  MultipleAllowOriginValues: 'acao_multiple',
  InvalidAllowOriginValue: 'acao_invalid',
  AllowOriginMismatch: 'acao_mismatch',
  WildcardOriginNotAllowed: 'acao_wildcard_with_credentials',
  InvalidAllowCredentials: 'acac_not_true',
  PreflightDisallowedRedirect: 'preflight_redirect',
  PreflightInvalidStatus: 'preflight_status_not_ok',
  InvalidAllowMethodsPreflightResponse: 'acam_malformed',
  InvalidAllowHeadersPreflightResponse: 'acah_malformed',
  MethodDisallowedByPreflightResponse: 'method_not_allowed',
  HeaderDisallowedByPreflightResponse: 'header_not_allowed',
  RedirectContainsCredentials: 'redirect_url_has_credentials',
};

/** How long a log may take to be complete after its call. */
const LOG_MILLIS = 10_000;

/** Records the network log of a page that makes one call at a time. */
export class NetworkRecorder {
  /** By request id; the events of one request arrive in any order. */
  readonly #kinds = new Map<string, WireExchange['kind']>();
  readonly #sent = new Map<string, WireExchange['sent']>();
  readonly #answers = new Map<string, WireExchange['answer']>();
  #ended: { readonly corsError: string | undefined } | undefined;
  #changed: () => void = () => undefined;

  async attach(session: CDPSession): Promise<void> {
    session.on('Network.requestWillBeSent', ({ requestId, initiator, type }) => {
      if (initiator.type === 'preflight') this.#kinds.set(requestId, 'preflight');
      else if (type === 'Fetch') this.#kinds.set(requestId, 'actual');
    });
    session.on('Network.requestWillBeSentExtraInfo', ({ requestId, headers }) => {
      const pairs = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
      this.#sent.set(requestId, Object.fromEntries(pairs));
      this.#changed();
    });
    session.on('Network.responseReceivedExtraInfo', ({ requestId, statusCode, headers }) => {
      // Repeated headers are joined by line feeds.
      const pairs = Object.entries(headers).flatMap(([name, value]) =>
        value.split('\n').map((part): [string, string] => [name, part]),
      );
      this.#answers.set(requestId, { status: statusCode, headers: pairs });
      this.#changed();
    });
    session.on('Network.loadingFailed', ({ requestId, corsErrorStatus }) => {
      this.#end(requestId, corsErrorStatus?.corsError);
    });
    session.on('Network.loadingFinished', ({ requestId }) => this.#end(requestId, undefined));
    await session.send('Network.enable');
  }

  /**
   * The log of the call since the last one, once complete.
   *
   * @throws Error when it does not become complete, or the call failed for another reason than CORS
   */
  async take(): Promise<NetworkLog> {
    const deadline = AbortSignal.timeout(LOG_MILLIS);
    while (!this.#isComplete()) {
      await new Promise<void>((resolve, reject) => {
        this.#changed = resolve;
        deadline.onabort = () => reject(new Error('The network log of a real page is not complete'));
      });
    }
    const corsError = this.#ended?.corsError;
    const exchanges = [...this.#kinds].flatMap(([id, kind]): WireExchange[] => {
      const sent = this.#sent.get(id);
      const answer = this.#answers.get(id);
      return sent === undefined || answer === undefined ? [] : [{ kind, sent, answer }];
    });
    for (const map of [this.#kinds, this.#sent, this.#answers]) map.clear();
    this.#ended = undefined;
    const blocked =
      corsError === undefined ? undefined : { kind: blockedKind(corsError), reason: reasonOf(corsError) };
    return { exchanges, blocked };
  }

  /** The error is reported for the call's own request, even when its preflight was blocked. */
  #end(requestId: string, corsError: string | undefined): void {
    if (this.#kinds.get(requestId) !== 'actual') return;
    this.#ended = { corsError };
    this.#changed();
  }

  #isComplete(): boolean {
    if (this.#ended === undefined) return false;
    const { corsError } = this.#ended;
    const wasSent = corsError === undefined || blockedKind(corsError) === 'actual';
    const expected = [...this.#kinds].filter(([, kind]) => kind === 'preflight' || wasSent);
    return expected.length > 0 && expected.every(([id]) => this.#sent.has(id) && this.#answers.has(id));
  }
}

function blockedKind(corsError: string): WireExchange['kind'] {
  return corsError.includes('Preflight') ? 'preflight' : 'actual';
}

function reasonOf(corsError: string): Reason {
  const reason = REASONS[corsError] ?? REASONS[corsError.replace(/^Preflight/, '')];
  if (reason === undefined) throw new Error(`Chromium blocked a call of the demo with ${corsError}`);
  return reason;
}

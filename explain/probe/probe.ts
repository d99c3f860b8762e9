import { OriginscopeError } from '../../core/errors.ts';
import { isRedirectStatus } from '../../instrumentation/src/fetch-standard/redirect-check.ts';
import type { Browser } from '../browsers.ts';
import { type Explanation, explainIn } from '../explanation.ts';
import { headerOf, type RecordedExchange, type RecordedRequest } from '../recordings/recorded-request.ts';
import {
  firstHop,
  type Hop,
  needsPreflight,
  type PageRequest,
  preflightOf,
  redirected,
  requestOf,
  type WireRequest,
} from './page-request.ts';
import type { Answer } from './send.ts';

export interface ProbeOptions {
  readonly browser: Browser;
  /** Also send methods other than GET and HEAD, which may modify data. */
  readonly sendUnsafe: boolean;
  readonly send: (request: WireRequest) => Promise<Answer>;
}

export interface Probed {
  readonly recorded: RecordedRequest;
  readonly explanation: Explanation;
  /** The request itself was not sent, because it may modify data. */
  readonly isHeldBack: boolean;
  /** Why there was no response. */
  readonly failure: OriginscopeError | undefined;
}

/** The limit of browsers: https://fetch.spec.whatwg.org/#http-redirect-fetch */
const MAX_REDIRECTS = 20;

/**
 * Does what a browser does for a page's `fetch`: preflight, request, redirects, each decided before the
 * next.
 */
export async function probe(page: PageRequest, options: ProbeOptions): Promise<Probed> {
  const exchanges: RecordedExchange[] = [];
  const recorded: RecordedRequest = {
    origin: page.origin,
    credentials: page.credentials ? 'include' : 'omit',
    mode: 'cors',
    browser: options.browser,
    exchanges,
  };
  const explained = (isHeldBack: boolean, failure?: OriginscopeError): Probed => {
    const explanation = explainIn(options.browser, recorded);
    return {
      recorded,
      // An allowed preflight does not settle it: the response to the request itself decides.
      explanation:
        isHeldBack && explanation.verdict === 'allowed'
          ? { ...explanation, verdict: 'unknown' }
          : explanation,
      isHeldBack,
      failure,
    };
  };
  const exchange = async (request: WireRequest): Promise<Answer> => {
    try {
      const response = await options.send(request);
      exchanges.push({ request, response });
      return response;
    } catch (error) {
      exchanges.push({ request, response: { status: undefined, headers: undefined } });
      throw error;
    }
  };

  let hop: Hop = firstHop(page, options.browser);
  try {
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      if (needsPreflight(hop)) {
        await exchange(preflightOf(hop));
        if (explainIn(options.browser, recorded).verdict !== 'allowed') return explained(false);
      }
      if (!options.sendUnsafe && hop.method !== 'GET' && hop.method !== 'HEAD') return explained(true);
      const { status, headers } = await exchange(requestOf(hop));
      const location = headerOf(headers, 'location');
      if (
        !isRedirectStatus(status) ||
        !location ||
        explainIn(options.browser, recorded).verdict !== 'allowed'
      )
        return explained(false);
      hop = redirected(hop, status, location);
    }
  } catch (error) {
    if (!(error instanceof OriginscopeError)) throw error;
    return explained(false, error);
  }
  return explained(
    false,
    new OriginscopeError('PROBE_REDIRECT_LIMIT', { host: new URL(page.url).host, most: MAX_REDIRECTS }),
  );
}

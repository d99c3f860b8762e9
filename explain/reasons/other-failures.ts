import type { Verdict } from '../../instrumentation/src/fetch-standard/decision.ts';

interface OtherFailureText {
  /** What a browser did, as far as CORS is concerned: `blocked` if it never lets this request through. */
  readonly verdict: Exclude<Verdict, 'allowed'>;
  readonly title: string;
  /** What it means and its usual cause. */
  readonly cause: string;
  readonly remedy: string;
}

/** Why a request of a page fails although no CORS check failed. */
export const OTHER_FAILURES = {
  network_failure: {
    verdict: 'unknown',
    title: 'no response, the connection failed',
    cause:
      'The browser got no response, so CORS did not matter yet. The page gets the same TypeError as for a blocked response.',
    remedy: 'Check that the server is running and can be reached from the machine of the browser.',
  },
  request_aborted: {
    verdict: 'unknown',
    title: 'the page or the user ended the request',
    cause:
      'The request was cancelled (a navigation, AbortController, a closed tab) before there was a response.',
    remedy: 'Nothing to change for CORS; repeat the request without leaving the page.',
  },
  empty_location: {
    verdict: 'blocked',
    title: 'redirect with an empty Location',
    cause:
      'The response is a redirect whose Location is empty. Chrome delivers it to the page; Safari fails, and Firefox repeats the request until its limit of redirects and fails.',
    remedy: 'Send a Location with the URL, or a status that is not a redirect.',
  },
  content_security_policy: {
    verdict: 'blocked',
    title: "the page's Content-Security-Policy",
    cause:
      'The policy of the page itself does not let the request out. The server never saw it, and its CORS headers do not matter.',
    remedy: 'Add the origin of the API to connect-src in the Content-Security-Policy of the page.',
  },
  mixed_content: {
    verdict: 'blocked',
    title: 'mixed content',
    cause:
      'A page that was loaded over https may not request http URLs. The server never saw the request, and its CORS headers do not matter.',
    remedy: 'Serve the API over https, and let the page use that URL.',
  },
  local_network_access: {
    verdict: 'blocked',
    title: 'local network access without permission',
    cause:
      'A public page requests an address of this machine (loopback) or of the local network, which needs the permission of the user and a secure page. The message names CORS, but no response header can grant it.',
    remedy:
      'Serve the page over https and allow local network access when the browser asks (or in its site settings), or serve page and API from the same network.',
  },
  blocked_by_extension: {
    verdict: 'blocked',
    title: 'an extension or the browser itself',
    cause:
      'An extension (such as an ad blocker) or a policy of the browser stopped the request before it was sent.',
    remedy: 'Repeat it in a private window without extensions.',
  },
} as const satisfies Record<string, OtherFailureText>;
export type OtherFailure = keyof typeof OTHER_FAILURES;

/** The texts by name, for names from outside the table. */
export function isOtherFailure(reason: string): reason is OtherFailure {
  return Object.hasOwn(OTHER_FAILURES, reason);
}

/** What a particular network error calls for; the first match counts. */
const NETWORK_REMEDIES: readonly (readonly [error: RegExp, remedy: string])[] = [
  [/REFUSED|Could not connect/i, 'Nothing listens there: check the port, and that the server is running.'],
  [/NAME_NOT_RESOLVED|UNKNOWN_HOST/, 'The host has no address: check its name and the DNS of that machine.'],
  [
    /EMPTY_RESPONSE|CONNECTION_CLOSED|RESET|NET_INTERRUPT/,
    'The server closed the connection without a response: see its log, or that of the proxy in front of it.',
  ],
  [/TIMED_OUT|TIMEOUT/, 'The server did not answer in time: see its log, and the firewall in front of it.'],
  [/CERT|SSL|SEC_ERROR/, 'The browser does not accept the certificate: open the URL in a tab to see why.'],
  [/INTERNET_DISCONNECTED|OFFLINE/, 'The machine of the browser was offline.'],
  [/HTTP2|QUIC|INVALID/, 'The response is not valid HTTP: see the log of the server or proxy.'],
];

export function remedyOfOtherFailure(failure: OtherFailure, detail: string): string {
  const specific =
    failure === 'network_failure' ? NETWORK_REMEDIES.find(([error]) => error.test(detail)) : undefined;
  return specific?.[1] ?? OTHER_FAILURES[failure].remedy;
}

/**
 * Classifies the name of an error: `net::ERR_…` of Chrome, `NS_ERROR_…` of Firefox.
 *
 * @returns undefined when it does not say more than that the request failed, as for every blocked response
 */
export function otherFailureOf(error: string): OtherFailure | undefined {
  const name = /^(?:net::ERR_|NS_ERROR_|NS_BINDING_|SEC_ERROR_|SSL_ERROR_)([A-Z0-9_]+)$/.exec(error)?.[1];
  if (name === undefined || name === 'FAILED' || name === 'FAILURE' || name.startsWith('DOM_'))
    return undefined;
  if (name.includes('LOCAL_NETWORK_ACCESS') || name.includes('PRIVATE_NETWORK_ACCESS')) {
    return 'local_network_access';
  }
  if (name === 'BLOCKED_BY_CSP') return 'content_security_policy';
  if (name === 'BLOCKED_BY_CLIENT' || name === 'BLOCKED_BY_ADMINISTRATOR') return 'blocked_by_extension';
  // Cross-Origin-Resource-Policy and others: the response arrived.
  if (name.startsWith('BLOCKED_BY_')) return undefined;
  return name === 'ABORTED' ? 'request_aborted' : 'network_failure';
}

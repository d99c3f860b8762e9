import { OBSERVED } from './attributes.ts';
import { cleanText } from './fetch-standard/clean-text.ts';
import { decideObserved } from './fetch-standard/decide.ts';
import { type Decision, isCorsKind } from './fetch-standard/decision.ts';
import { guard } from './guard.ts';
import { clientBit } from './http/client-bit.ts';
import { maskPath } from './http/mask-path.ts';
import { callerSpan, type RequestSpan, requestSpan } from './http/request-span.ts';
import { createRouteText } from './http/route-text.ts';
import type { ServedExchange } from './http/served-exchange.ts';
import { hostName, serverView } from './http/server-view.ts';
import { log } from './log.ts';
import type { Recorder } from './observation.ts';
import type { ObserverOptions, RequestInfo } from './options.ts';
import { redactBy } from './redaction.ts';

/** Decides an exchange, annotates the request's HTTP server span, and counts the decision. Never throws. */
export type ExchangeListener = (served: ServedExchange) => void;

/** @param now returns epoch milliseconds */
export function createObserver(
  options: ObserverOptions,
  recorder: Recorder,
  now: () => number = Date.now,
): ExchangeListener {
  const { ignoreRequest, route: routeHook, redact: redactHook, trustProxy } = options;
  const isIgnored = ignoreRequest && guard('The option ignoreRequest', ignoreRequest, false);
  const routeOf = routeHook && guard('The option route', routeHook, undefined);
  const redact = redactHook && redactBy(redactHook);
  const routeText = createRouteText();
  const warnAboutProxy = proxyWarnings();

  return guard(
    'Observing a response',
    (served) => {
      const span = requestSpan();
      const info: RequestInfo = { method: served.method, url: served.url, raw: served.raw };
      if (isIgnored?.(info) === true) {
        // So that the decision is not derived from the HTTP span either.
        span.serverSpan?.setAttribute(OBSERVED, true);
        return;
      }
      const view = serverView(served, trustProxy);
      if (view.untrusted !== 'nothing') warnAboutProxy(view.untrusted);
      const { ownOrigin, host, client } = view;
      const { responseHeadersCaptured } = served;
      const decision = decideObserved(served, { ownOrigin, responseHeadersCaptured });
      annotate(span, decision);
      if (!isCorsKind(decision.kind)) return;

      const template = routeOf?.(info) ?? served.declaredRoute ?? span.route ?? served.route;
      const route = template === undefined ? undefined : cleanText(String(template));
      if (route !== undefined) routeText.learn(route);
      const observation = {
        time: now(),
        decision,
        method: KNOWN_METHODS.has(served.method) ? served.method : '_OTHER',
        statusCode: served.status,
        route,
        serverAddress: host === undefined ? undefined : hostName(host),
        path: decision.verdict === 'blocked' ? maskPath(served.url, route, routeText.has) : undefined,
        clientBit: client === undefined ? undefined : clientBit(client),
        link: span.spanContext ?? callerSpan(served.requestHeaders.get('traceparent')),
      };
      recorder.record(redact === undefined ? observation : redact(observation));
    },
    undefined,
  );
}

/** Each is logged once. */
function proxyWarnings(): (untrusted: 'headers' | 'host') => void {
  const logged = new Set<string>();
  return (untrusted) => {
    if (logged.has(untrusted)) return;
    logged.add(untrusted);
    if (untrusted === 'host') log('warn', OTHER_HOST);
    else log('info', UNTRUSTED_PROXY);
  };
}

const TRUST_PROXY =
  'If they come from your own proxy, set the option trustProxy (or ORIGINSCOPE_TRUST_PROXY) to the ' +
  'number of your proxies';

const UNTRUSTED_PROXY =
  'requests have Forwarded or X-Forwarded-* headers, which are not ' +
  `trusted. ${TRUST_PROXY}; cors.clients stays absent until then.`;

const OTHER_HOST =
  'requests have Forwarded or X-Forwarded-Host headers that name another host than Host does, and are not ' +
  `trusted. ${TRUST_PROXY}; until then, requests without fetch metadata other than GET and HEAD are unknown ` +
  'instead of blocked, because they may come from your own pages.';

/** The known methods of OpenTelemetry's HTTP semantic conventions. */
const KNOWN_METHODS = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'QUERY',
  'TRACE',
]);

function annotate({ serverSpan }: RequestSpan, decision: Decision): void {
  if (serverSpan === undefined) return;
  serverSpan.setAttribute(OBSERVED, true);
  serverSpan.setAttribute('cors.kind', decision.kind);
  if (!isCorsKind(decision.kind)) return;
  serverSpan.setAttribute('cors.verdict', decision.verdict);
  if (decision.reason !== '') serverSpan.setAttribute('cors.reason', decision.reason);
}

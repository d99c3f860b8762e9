import type { Attributes } from '@opentelemetry/api';
import { type AttributeName, OTHER } from '../attributes.ts';
import type { Observation } from '../observation.ts';

/**
 * What makes two decisions equal: everything that a decision span says, except how many there were, whose
 * clients they were, which request it was and on which path.
 */
export function keyOf({ decision, method, statusCode, route, serverAddress }: Observation): string {
  const { requestHeaders, maxAge } = decision;
  return [
    decision.kind,
    decision.verdict,
    decision.reason,
    decision.detail,
    decision.origin,
    decision.requestMethod,
    requestHeaders.length === 0 ? '' : requestHeaders.join(),
    decision.credentials,
    decision.allowOrigin,
    decision.allowCredentials,
    maxAge,
    decision.varyOrigin,
    decision.site,
    decision.browser,
    method,
    statusCode,
    route,
    serverAddress,
  ].join('\0');
}

/** The attributes that a key stands for; absent ones are left out. */
export function attributesOf({
  decision,
  method,
  statusCode,
  route,
  serverAddress,
}: Observation): Attributes {
  const attributes = {
    'cors.kind': decision.kind,
    'cors.verdict': decision.verdict,
    'cors.reason': decision.reason || undefined,
    'cors.reason.detail': decision.detail || undefined,
    'cors.origin': decision.origin || undefined,
    'cors.request.method': decision.requestMethod,
    'cors.request.headers': decision.requestHeaders.length > 0 ? [...decision.requestHeaders] : undefined,
    'cors.credentials': decision.credentials,
    'cors.allow_origin': decision.allowOrigin,
    'cors.allow_credentials': decision.allowCredentials,
    'cors.max_age': integer(decision.maxAge),
    'cors.vary_origin': decision.varyOrigin,
    'cors.site': decision.site,
    'cors.browser': decision.browser,
    'http.request.method': method,
    'http.response.status_code': integer(statusCode),
    'http.route': route,
    'server.address': serverAddress,
  } satisfies { [K in AttributeName]?: unknown };
  // A copy by way of text leaves out what is undefined, and lets go of the request's header block, which V8
  // would keep whole for every slice of it.
  return JSON.parse(JSON.stringify(attributes));
}

/** A server may say `Access-Control-Max-Age: 1e300`; no receiver reads that as an integer. */
function integer(value: number | undefined): number | undefined {
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The same observation without the texts that a client can choose freely. */
export function withoutFreeText(observation: Observation): Observation {
  const { decision, serverAddress } = observation;
  return {
    ...observation,
    serverAddress: serverAddress === undefined ? undefined : OTHER,
    decision: {
      ...decision,
      origin: decision.origin && OTHER,
      detail: decision.detail && OTHER,
      requestMethod: OTHER,
      requestHeaders: decision.requestHeaders.length > 0 ? [OTHER] : [],
    },
  };
}

/** The same observation with the verdict and little else: of these there are only so many. */
export function coarse(observation: Observation): Observation {
  const plain = withoutFreeText(observation);
  return {
    ...plain,
    method: '_OTHER',
    route: plain.route === undefined ? undefined : OTHER,
    decision: {
      ...plain.decision,
      credentials: 'unknown',
      maxAge: undefined,
      site: 'unknown',
      browser: false,
    },
  };
}

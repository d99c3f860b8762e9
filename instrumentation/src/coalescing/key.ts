import type { Attributes } from '@opentelemetry/api';
import { type AttributeName, OTHER } from '../attributes.ts';
import {
  ALLOW_ORIGINS,
  CREDENTIALS,
  type Decision,
  KINDS,
  REASONS,
  SITES,
  VERDICTS,
} from '../fetch-standard/decision.ts';
import type { Observation } from '../observation.ts';

const numbered = <T extends string>(values: readonly T[]) =>
  Object.fromEntries(values.map((value, index) => [value, index])) as Record<T, number>;

const KIND = numbered(KINDS);
const VERDICT = numbered(VERDICTS);
const REASON = numbered(['', ...REASONS]);
const CREDENTIAL = numbered(CREDENTIALS);
const ALLOW_ORIGIN = numbered(ALLOW_ORIGINS);
const SITE = numbered(SITES);

/**
 * What makes two decisions equal: everything that a decision span says, except how many there were, whose
 * clients they were, which request it was and on which path. Made for every request with an Origin, and joining
 * texts is what costs: what has few values is one number.
 */
export function keyOf({ decision, method, statusCode, route, serverAddress }: Observation): string {
  const { requestHeaders } = decision;
  return [
    fewValuedOf(decision),
    statusCode,
    decision.maxAge,
    method,
    decision.requestMethod,
    decision.origin,
    decision.detail,
    route,
    serverAddress,
    requestHeaders.length === 0 ? '' : requestHeaders.join(),
  ].join('\0');
}

function fewValuedOf(decision: Decision): number {
  let number = KIND[decision.kind];
  number = number * VERDICTS.length + VERDICT[decision.verdict];
  number = number * (REASONS.length + 1) + REASON[decision.reason];
  number = number * CREDENTIALS.length + CREDENTIAL[decision.credentials];
  number = number * ALLOW_ORIGINS.length + ALLOW_ORIGIN[decision.allowOrigin];
  number = number * SITES.length + SITE[decision.site];
  return (
    number * 8 +
    Number(decision.allowCredentials) * 4 +
    Number(decision.varyOrigin) * 2 +
    Number(decision.browser)
  );
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

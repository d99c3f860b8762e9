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

const indexByValue = <T extends string>(values: readonly T[]) =>
  Object.fromEntries(values.map((value, index) => [value, index])) as Record<T, number>;

const KIND = indexByValue(KINDS);
const VERDICT = indexByValue(VERDICTS);
const REASON = indexByValue(['', ...REASONS]);
const CREDENTIAL = indexByValue(CREDENTIALS);
const ALLOW_ORIGIN = indexByValue(ALLOW_ORIGINS);
const SITE = indexByValue(SITES);

/**
 * The key by which decisions are equal: everything a decision span reports except the count, the client,
 * the trace and the path. This runs for every request with an Origin header, and joining strings dominates
 * its cost, so all enumerated fields are packed into one number.
 */
export function keyOf({ decision, method, statusCode, route, serverAddress }: Observation): string {
  const { requestHeaders } = decision;
  return [
    packEnums(decision),
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

function packEnums(decision: Decision): number {
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

/** The span attributes of a key, without absent ones. */
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
  // Copying via JSON drops undefined values and releases the request's header block, which V8 would
  // otherwise keep alive for every slice of it.
  return JSON.parse(JSON.stringify(attributes));
}

/** A server may send `Access-Control-Max-Age: 1e300`, which no receiver can read as an integer. */
function integer(value: number | undefined): number | undefined {
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Returns the observation with all client-controlled text replaced. */
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

/**
 * Returns the observation reduced to the verdict and few other fields, so that the number of distinct ones
 * is bounded.
 */
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

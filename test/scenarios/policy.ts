import { decide } from '../../instrumentation/src/fetch-standard/decide.ts';
import type { Decision, HeaderList } from '../../instrumentation/src/fetch-standard/decision.ts';

/** How a simulated service answers. A change is a new object. */
export interface Policy {
  readonly origins: ReadonlySet<string>;
  /** Also allowed. */
  readonly alsoAllows?: (origin: string) => boolean;
  /** Allowed by name, but written as this. */
  readonly writtenAs?: ReadonlyMap<string, string>;
  readonly headers: readonly string[];
  readonly methods: readonly string[];
  readonly credentials: boolean;
  readonly vary: boolean;
  readonly wildcard?: boolean;
  /** Preflights of these routes (all, if empty) are answered so, without CORS headers. */
  readonly preflightStatus?: {
    readonly status: number;
    readonly routes: readonly string[];
    readonly location?: string;
  };
}

/** What a page, or something that pretends to be one, asks. */
export interface CallTemplate {
  readonly origin: string;
  readonly route: string;
  readonly method: string;
  /** Request headers that need permission. */
  readonly headers: readonly string[];
  readonly credentials: boolean;
  readonly browser: boolean;
  readonly weight: number;
  /** Client networks that call. */
  readonly clients: number;
}

export function needsPreflight({ method, headers }: CallTemplate): boolean {
  return headers.length > 0 || !['GET', 'HEAD', 'POST'].includes(method);
}

/** Calls are equal more often than they are the same object; what the same one was answered is found faster. */
const remembered = new WeakMap<Policy, Map<string, Answered>>();
const rememberedOf = new WeakMap<CallTemplate, WeakMap<Policy, [Answered?, Answered?]>>();

export interface Answered {
  readonly decision: Decision;
  readonly status: number;
}

/** What the browser's rules make of the service's answer. */
export function answer(
  policy: Policy,
  call: CallTemplate,
  isPreflight: boolean,
  failsWith?: number,
): Answered {
  if (failsWith !== undefined) return answerOfEqual(policy, call, isPreflight, failsWith);
  let byPolicy = rememberedOf.get(call);
  if (byPolicy === undefined) {
    byPolicy = new WeakMap();
    rememberedOf.set(call, byPolicy);
  }
  let answers = byPolicy.get(policy);
  if (answers === undefined) {
    answers = [];
    byPolicy.set(policy, answers);
  }
  const index = isPreflight ? 1 : 0;
  answers[index] ??= answerOfEqual(policy, call, isPreflight, undefined);
  return answers[index];
}

function answerOfEqual(
  policy: Policy,
  call: CallTemplate,
  isPreflight: boolean,
  failsWith: number | undefined,
): Answered {
  let known = remembered.get(policy);
  if (known === undefined) {
    known = new Map();
    remembered.set(policy, known);
  }
  const key = `${call.origin}|${call.route}|${call.method}|${call.headers}|${call.credentials}|${call.browser}|${isPreflight}|${failsWith}`;
  let answered = known.get(key);
  if (answered === undefined) {
    if (known.size > 20_000) known.clear();
    const { status, headers } = respond(policy, call, isPreflight, failsWith);
    const request = {
      method: isPreflight ? 'OPTIONS' : call.method,
      url: call.route,
      headers: requestHeaders(call, isPreflight),
    };
    answered = { decision: decide({ request, response: { status, headers } }), status };
    known.set(key, answered);
  }
  return answered;
}

function requestHeaders(call: CallTemplate, isPreflight: boolean): HeaderList {
  const headers: [string, string][] = [['Origin', call.origin]];
  if (call.browser) {
    headers.push(['Sec-Fetch-Site', 'cross-site'], ['Sec-Fetch-Mode', 'cors']);
    if (!isPreflight && call.credentials) headers.push(['Sec-Fetch-Storage-Access', 'active']);
  }
  if (isPreflight) {
    headers.push(['Access-Control-Request-Method', call.method]);
    if (call.headers.length > 0) headers.push(['Access-Control-Request-Headers', call.headers.join(',')]);
  } else if (call.credentials) headers.push(['Cookie', 'session=1']);
  return headers;
}

function respond(
  policy: Policy,
  call: CallTemplate,
  isPreflight: boolean,
  failsWith: number | undefined,
): { status: number; headers: HeaderList } {
  if (failsWith !== undefined) return { status: failsWith, headers: [] };
  const { preflightStatus } = policy;
  if (isPreflight && preflightStatus !== undefined) {
    const { routes, status, location } = preflightStatus;
    if (routes.length === 0 || routes.includes(call.route)) {
      return { status, headers: location === undefined ? [] : [['Location', location]] };
    }
  }
  const headers: [string, string][] = [];
  if (policy.vary) headers.push(['Vary', 'Origin']);
  const isAllowed = policy.origins.has(call.origin) || policy.alsoAllows?.(call.origin) === true;
  if (policy.wildcard === true) headers.push(['Access-Control-Allow-Origin', '*']);
  else if (isAllowed) {
    headers.push(['Access-Control-Allow-Origin', policy.writtenAs?.get(call.origin) ?? call.origin]);
  }
  if (policy.credentials) headers.push(['Access-Control-Allow-Credentials', 'true']);
  if (isPreflight) {
    headers.push(['Access-Control-Allow-Methods', policy.methods.join(', ')]);
    headers.push(['Access-Control-Allow-Headers', policy.headers.join(', ')]);
    headers.push(['Access-Control-Max-Age', '600']);
  }
  return { status: isPreflight ? 204 : 200, headers };
}

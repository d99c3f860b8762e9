import { DERIVATION, type DecisionSpan } from '../../clickhouse/decision-span.ts';
import type { CorsKind, Credentials, Reason } from '../../instrumentation/src/fetch-standard/decision.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The version of the services that the demo runs, which is deployed at the end of the history, and the one before. */
const VERSION = '1.0.0';
const VERSION_BEFORE = '0.9.0';

/** Before the end of the history. */
export const HISTORY_MILLIS = 8 * DAY;
const DEPLOYED_MILLIS = 9 * MINUTE;
const LAUNCHED_MILLIS = 40 * MINUTE;

/** The header that the deployment drops from the policy of the catalog, and the front end that is launched. */
const DROPPED_HEADER = 'traceparent';
const LAUNCHED_ORIGIN = 'https://outlet.shop.example';

/** What pages usually do with the catalog; the services and browsers of the demo do the same. */
interface UsualCall {
  readonly origin: string;
  readonly kind?: CorsKind;
  readonly method?: string;
  readonly route?: string;
  readonly requestHeaders?: string;
  readonly credentials?: Credentials;
  readonly status?: number;
  /** Decisions a minute, on average. */
  readonly perMinute: number;
  readonly reason?: Reason;
  readonly detail?: string;
}

const SHOPS = ['https://shop.example', 'https://www.shop.example'];

const preflight = { kind: 'preflight', route: '', credentials: 'unknown', status: 204 } as const;

const ALLOWED: readonly UsualCall[] = [
  {
    origin: 'https://admin.shop.example',
    route: '/products',
    credentials: 'included',
    perMinute: 30,
  },
  ...SHOPS.flatMap((origin, index): UsualCall[] => {
    const perMinute = 60 / (index + 1);
    return [
      { origin, route: '/products', credentials: 'included', perMinute: 3 * perMinute },
      { origin, route: '/cart', method: 'POST', credentials: 'included', status: 201, perMinute },
      { ...preflight, origin, method: 'POST', requestHeaders: 'content-type', perMinute },
    ];
  }),
];

const TRACED: readonly UsualCall[] = SHOPS.map((origin) => ({
  ...preflight,
  origin,
  method: 'POST',
  requestHeaders: `content-type,${DROPPED_HEADER}`,
  perMinute: 12,
}));

const LAUNCHED: readonly UsualCall[] = [
  { origin: LAUNCHED_ORIGIN, route: '/products', credentials: 'included', perMinute: 25 },
];

/** What has always been blocked, a few a minute. */
const BLOCKED: readonly UsualCall[] = [
  ...['http://shop.example', 'https://shop.example:8443', 'https://sh0p.example', 'null'].map((origin) => ({
    origin,
    route: '/products',
    credentials: 'unknown' as const,
    reason: 'acao_missing' as const,
  })),
  { ...preflight, origin: 'https://staging.shop.example', method: 'POST', reason: 'acao_missing' as const },
  {
    origin: 'https://partner.example',
    route: '/partners/feed',
    credentials: 'unknown' as const,
    reason: 'acao_mismatch' as const,
    detail: 'https://partner.example/',
  },
  {
    ...preflight,
    origin: 'https://admin.shop.example',
    requestHeaders: 'authorization',
    status: 401,
    reason: 'acao_missing' as const,
  },
  {
    ...preflight,
    origin: 'https://www.shop.example',
    method: 'POST',
    requestHeaders: 'content-type',
    status: 308,
    reason: 'preflight_redirect' as const,
    detail: '(same origin)',
  },
].map((call) => ({ ...call, perMinute: 0.2 }));

/**
 * Eight days of the catalog before a time, an hour at a time. They end in a deployment that dropped a header from the
 * policy a few minutes ago; and a new front end was launched, which is no reason to wake anybody.
 *
 * @param until end, epoch milliseconds of a whole minute
 */
export function* demoHistory(until: number): Generator<DecisionSpan[]> {
  const draw = createRandom(17);
  const deployedAt = until - DEPLOYED_MILLIS;
  const launchedAt = until - LAUNCHED_MILLIS;
  let number = 0;
  for (let hour = until - HISTORY_MILLIS; hour < until; hour += HOUR) {
    const spans: DecisionSpan[] = [];
    for (let minute = hour; minute < hour + HOUR; minute += MINUTE) {
      const isDeployed = minute >= deployedAt;
      const version = isDeployed ? VERSION : VERSION_BEFORE;
      const traced: readonly UsualCall[] = isDeployed
        ? TRACED.map((call) => ({ ...call, reason: 'header_not_allowed', detail: DROPPED_HEADER }))
        : TRACED;
      const calls = [...ALLOWED, ...BLOCKED, ...traced, ...(minute >= launchedAt ? LAUNCHED : [])];
      for (const call of calls) {
        const decisions = poisson(call.perMinute * season(minute), draw);
        if (decisions === 0) continue;
        number++;
        spans.push(spanOf(call, { minute, version, decisions, number, clients: clientsOf(decisions, draw) }));
      }
    }
    yield spans;
  }
}

function spanOf(
  call: UsualCall,
  {
    minute,
    version,
    decisions,
    number,
    clients,
  }: { minute: number; version: string; decisions: number; number: number; clients: string },
): DecisionSpan {
  const { origin, kind = 'actual', method = 'GET', route = '', reason, detail = '' } = call;
  const isNamed = reason === undefined || reason === 'header_not_allowed';
  return {
    service: 'catalog',
    instance: 'history',
    environment: 'demo',
    version,
    spanId: number.toString(16).padStart(16, '0'),
    time: minute + 1_000,
    derivation: DERIVATION,
    observer: 'service',
    source: 'derived',
    decisions,
    total: 0,
    kind,
    verdict: reason === undefined ? 'allowed' : 'blocked',
    reason: reason ?? '',
    detail,
    origin,
    method,
    requestHeaders: call.requestHeaders ?? '',
    credentials: call.credentials ?? 'unknown',
    allowOrigin: isNamed ? 'exact' : reason === 'acao_mismatch' ? 'other' : 'absent',
    allowCredentials: isNamed,
    varyOrigin: isNamed,
    maxAge: -1,
    site: 'cross-site',
    browser: true,
    statusCode: call.status ?? 200,
    route,
    apiHost: 'catalog.localhost',
    clients,
    path: '',
    linkTraceId: '',
    linkSpanId: '',
  };
}

/** More by day than by night. */
function season(minute: number): number {
  return 1 + 0.4 * Math.sin((2 * Math.PI * (minute % DAY)) / DAY - 2);
}

/** Bits of client networks, as many at most as there are decisions; 16 hexadecimal digits. */
function clientsOf(decisions: number, draw: () => number): string {
  let high = 0;
  let low = 0;
  for (let one = 0; one < Math.min(decisions, 12); one++) {
    const bit = Math.floor(draw() * 48);
    if (bit < 32) low |= 1 << bit;
    else high |= 1 << (bit - 32);
  }
  return [high, low].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

function poisson(mean: number, draw: () => number): number {
  // Of many it is as good as normal.
  if (mean > 30) {
    const normal = Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
  }
  let product = draw();
  let count = 0;
  for (const limit = Math.exp(-mean); product > limit; count++) product *= draw();
  return count;
}

/** Numbers from 0 to 1, always the same ones: a linear congruential generator is random enough for traffic. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

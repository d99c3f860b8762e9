import type { DecisionSpan } from '../../clickhouse/decision-span.ts';

/** A plausible decision span: an allowed GET from a shop's page. Give what the test is about. */
export function decisionSpan(given: Partial<DecisionSpan> & Pick<DecisionSpan, 'time'>): DecisionSpan {
  return {
    service: 'checkout',
    instance: 'checkout-1',
    environment: 'production',
    version: '1.0.0',
    spanId: '00000000000000a1',
    derivation: 1,
    observer: 'service',
    source: 'instrumented',
    decisions: 1,
    total: 0,
    kind: 'actual',
    verdict: 'allowed',
    reason: '',
    detail: '',
    origin: 'https://shop.example',
    method: 'GET',
    requestHeaders: '',
    credentials: 'unknown',
    allowOrigin: 'exact',
    allowCredentials: false,
    varyOrigin: true,
    maxAge: -1,
    site: 'cross-site',
    browser: true,
    statusCode: 200,
    route: '/items/:id',
    apiHost: 'api.example',
    clients: '0000000000000001',
    path: '',
    linkTraceId: '',
    linkSpanId: '',
    ...given,
  };
}

/** Spans with different identities, and the fields that `given` returns for the nth. */
export function decisionSpans(
  count: number,
  given: (index: number) => Partial<DecisionSpan> & Pick<DecisionSpan, 'time'>,
): DecisionSpan[] {
  return Array.from({ length: count }, (_, index) =>
    decisionSpan({ spanId: (index + 1).toString(16).padStart(16, '0'), ...given(index) }),
  );
}

/** The same decision, but blocked. */
export const blocked = {
  verdict: 'blocked',
  reason: 'acao_missing',
  allowOrigin: 'absent',
  path: '/items/17',
  linkTraceId: '0af7651916cd43dd8448eb211c80319c',
  linkSpanId: 'b7ad6b7169203331',
} as const satisfies Partial<DecisionSpan>;

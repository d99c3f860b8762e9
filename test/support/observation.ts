import type { Decision } from '../../instrumentation/src/fetch-standard/decision.ts';
import type { Observation } from '../../instrumentation/src/observation.ts';

/** An allowed GET from a shop's page. Give what the test is about. */
export function observation(
  given: Partial<Observation> & Pick<Observation, 'time'>,
  decision: Partial<Decision> = {},
): Observation {
  return {
    method: 'GET',
    statusCode: 200,
    route: '/orders/:id',
    serverAddress: 'api.example',
    path: '/orders/:id',
    clientBit: undefined,
    link: undefined,
    ...given,
    decision: {
      kind: 'actual',
      verdict: 'allowed',
      reason: '',
      detail: '',
      origin: 'https://shop.example',
      requestMethod: 'GET',
      requestHeaders: [],
      credentials: 'omitted',
      withCredentials: undefined,
      allowOrigin: 'exact',
      allowCredentials: false,
      maxAge: undefined,
      varyOrigin: true,
      site: 'cross-site',
      browser: true,
      notes: [],
      ...decision,
    },
  };
}

/** The same, blocked without Access-Control-Allow-Origin. */
export function blockedObservation(
  given: Partial<Observation> & Pick<Observation, 'time'>,
  decision: Partial<Decision> = {},
): Observation {
  return observation(given, {
    verdict: 'blocked',
    reason: 'acao_missing',
    allowOrigin: 'absent',
    ...decision,
  });
}

import type { UsageRow } from '../../analyzer/input/usage-row.ts';
import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import {
  ALLOW_ORIGINS,
  CORS_KINDS,
  type CorsKind,
  CREDENTIALS,
  REASONS,
  VERDICTS,
} from '../../instrumentation/src/fetch-standard/decision.ts';

/** Simulated rows as the decision spans that they would have been counted from. Numbers make their identities. */
export function* spansOf(rows: Iterable<UsageRow>, firstNumber: number): Generator<DecisionSpan> {
  let number = firstNumber;
  for (const row of rows) {
    number++;
    yield {
      service: row.service,
      instance: 'instance-1',
      environment: row.environment,
      version: row.version,
      spanId: number.toString(16).padStart(16, '0'),
      time: row.minute + 1_000,
      derivation: 1,
      observer: 'service',
      source: 'derived',
      decisions: row.decisions,
      total: 0,
      kind: oneOf<CorsKind>(CORS_KINDS, row.kind),
      verdict: oneOf(VERDICTS, row.verdict),
      reason: row.reason === '' ? '' : oneOf(REASONS, row.reason),
      detail: row.detail,
      origin: row.origin,
      method: row.method,
      requestHeaders: row.requestedHeaders,
      credentials: oneOf(CREDENTIALS, row.credentials),
      allowOrigin: oneOf(ALLOW_ORIGINS, row.allowOrigin),
      allowCredentials: row.allowCredentials,
      varyOrigin: row.varyOrigin,
      maxAge: -1,
      site: row.browser ? 'cross-site' : 'unknown',
      browser: row.browser,
      statusCode: row.statusCode,
      route: row.route,
      apiHost: 'api.example',
      clients: hexadecimal(row.clientsHigh) + hexadecimal(row.clientsLow),
      path: '',
      linkTraceId: '',
      linkSpanId: '',
    };
  }
}

function oneOf<Value extends string>(values: readonly Value[], text: string): Value {
  const found = values.find((value) => value === text);
  if (found === undefined) throw new Error(`${text} is none of ${values.join(', ')}`);
  return found;
}

function hexadecimal(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}

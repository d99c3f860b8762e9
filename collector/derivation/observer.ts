import type { ObservedBy } from '../../clickhouse/decision-span.ts';

/** The scopes and SDK names of gateways. */
const GATEWAYS: ReadonlySet<string> = new Set([
  'nginx',
  'envoy',
  'github.com/traefik/traefik',
  'kong-internal',
  'opentelemetry-lua',
]);

export interface ObserverHints {
  /** The resource attribute `originscope.observer`. */
  readonly declared: string;
  /** Name of the instrumentation scope. */
  readonly scope: string;
  /** The resource attribute `telemetry.sdk.name`. */
  readonly sdk: string;
}

/** The observer of an exchange: as declared, else a known gateway, else the service. */
export function observerOf({ declared, scope, sdk }: ObserverHints): ObservedBy {
  if (declared === 'gateway' || declared === 'service') return declared;
  return GATEWAYS.has(scope) || GATEWAYS.has(sdk) ? 'gateway' : 'service';
}

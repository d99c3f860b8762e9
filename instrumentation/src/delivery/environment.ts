import { log } from '../log.ts';
import { percentDecoded } from '../percent-decoded.ts';

/** Environment variables, in the shape of `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns the first of these variables that is set; an empty one counts as unset, as OpenTelemetry
 * specifies.
 */
export function firstOf(env: Environment, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = env[name]?.trim();
    if (value) return value;
  }
  return undefined;
}

/**
 * Parses a list such as `key1=value1,key2=value%202` (OTEL_RESOURCE_ATTRIBUTES,
 * OTEL_EXPORTER_OTLP_HEADERS): commas, equal signs and anything outside printable ASCII are
 * percent-encoded. Malformed members are skipped and logged without their content, because headers are
 * secrets.
 */
export function readPairs(env: Environment, name: string): [key: string, value: string][] {
  const pairs: [string, string][] = [];
  for (const member of (env[name] ?? '').split(',')) {
    if (member.trim() === '') continue;
    const equals = member.indexOf('=');
    const key = percentDecoded(member.slice(0, equals).trim());
    const value = percentDecoded(member.slice(equals + 1).trim());
    if (equals > 0 && key && value !== undefined) pairs.push([key, value]);
    else
      log(
        'warn',
        `${name} has a member that is not a valid key=value pair and is ignored: percent-encode "," "=" "%" in it.`,
      );
  }
  return pairs;
}

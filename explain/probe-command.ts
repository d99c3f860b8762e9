import { originscopeCommand } from '../core/program.ts';
import type { HeaderList } from '../instrumentation/src/fetch-standard/decision.ts';

/** The arguments of `originscope probe`. */
export interface ProbeArguments {
  readonly url: string;
  readonly origin: string;
  readonly method?: string;
  readonly headers?: HeaderList;
  readonly credentials?: boolean;
}

/**
 * What forces a preflight where a recording or a message does not say what did: a request with JSON, the most
 * usual one. Methods other than GET and HEAD are not sent after the preflight.
 */
export const FORCING_PREFLIGHT = {
  method: 'POST',
  headers: [['Content-Type', 'application/json']],
} as const;

/** A value with which this header needs a preflight. */
export function preflightedHeader(name: string): readonly [name: string, value: string] {
  const lower = name.toLowerCase();
  if (lower === 'content-type') return [name, 'application/json'];
  // Other values of these need none.
  return [name, lower.startsWith('accept') || lower === 'content-language' ? '(' : 'x'];
}

/**
 * The command that repeats the page's request. Text that is not a URL may come from a console and could be
 * mistaken for an option.
 */
export function probeCommand({
  url,
  origin,
  method = 'GET',
  headers = [],
  credentials,
}: ProbeArguments): string {
  const words = ['probe', URL.canParse(url) ? url : 'URL', '--origin', origin];
  if (method !== '' && method !== 'GET') words.push('--method', method);
  for (const [name, value] of headers) words.push('-H', `${name}: ${value}`);
  if (credentials) words.push('--credentials');
  return originscopeCommand(words);
}

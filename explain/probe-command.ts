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

import { shellCommand } from '../core/shell-command.ts';
import type { HeaderList } from '../instrumentation/src/fetch-standard/decision.ts';

/** What `originscope probe` is to ask. */
export interface ProbeArguments {
  readonly url: string;
  readonly origin: string;
  readonly method?: string;
  readonly headers?: HeaderList;
  readonly credentials?: boolean;
}

/** The command that asks as the page did. What is no URL may come from a console, and could be an option. */
export function probeCommand({
  url,
  origin,
  method = 'GET',
  headers = [],
  credentials,
}: ProbeArguments): string {
  const words = ['originscope', 'probe', URL.canParse(url) ? url : 'URL', '--origin', origin];
  if (method !== '' && method !== 'GET') words.push('--method', method);
  for (const [name, value] of headers) words.push('-H', `${name}: ${value}`);
  if (credentials) words.push('--credentials');
  return shellCommand(words);
}

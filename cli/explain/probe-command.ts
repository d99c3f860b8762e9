import type { HeaderList } from '../../instrumentation/src/fetch-standard/decision.ts';

/** What `originscope probe` is to ask. */
export interface ProbeArguments {
  readonly url: string;
  readonly origin: string;
  readonly method?: string;
  readonly headers?: HeaderList;
  readonly credentials?: boolean;
}

/** A command line for a POSIX shell that does not read more into strange values than they say. */
export function probeCommand({
  url,
  origin,
  method = 'GET',
  headers = [],
  credentials,
}: ProbeArguments): string {
  const words = ['originscope', 'probe', url, '--origin', origin];
  if (method !== '' && method !== 'GET') words.push('--method', method);
  for (const [name, value] of headers) words.push('-H', `${name}: ${value}`);
  if (credentials) words.push('--credentials');
  return words.map(quoted).join(' ');
}

function quoted(word: string): string {
  return /^[A-Za-z0-9_./:@%+=,~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

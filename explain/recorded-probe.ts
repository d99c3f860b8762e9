import type { HeaderList } from '../instrumentation/src/fetch-standard/decision.ts';
import { isSerialisedOrigin } from '../instrumentation/src/fetch-standard/origin.ts';
import { requestedHeaders } from '../instrumentation/src/fetch-standard/requested-headers.ts';
import type { Explanation } from './explanation.ts';
import { preflightedHeader, probeCommand } from './probe-command.ts';
import { isSetByPage } from './recordings/browser-headers.ts';
import { headerOf, type RecordedRequest } from './recordings/recorded-request.ts';

/** The command that repeats a recorded request of a page from its first URL on; undefined without exchanges. */
export function probeOfRecorded(recorded: RecordedRequest, { decisions }: Explanation): string | undefined {
  const { exchanges, origin: page, credentials } = recorded;
  const index = Math.max(
    0,
    decisions.findIndex(({ kind }) => kind !== 'preflight'),
  );
  const request = exchanges[index]?.request;
  const decision = decisions[0];
  if (request === undefined || decision === undefined) return undefined;
  const url = exchanges[0]?.request.url ?? '';
  const origin = page ?? decision.origin;
  return probeCommand({
    url: URL.canParse(url) ? new URL(url).href : 'URL',
    origin: isSerialisedOrigin(origin) ? origin : 'ORIGIN',
    method: decision.requestMethod,
    headers: headersOfPage(recorded, index),
    credentials:
      credentials === 'include' ||
      decisions.some((one) => one.credentials === 'included') ||
      headerOf(request.headers, 'cookie') !== undefined,
  });
}

/** Those that were recorded, and those that only a preflight names. */
function headersOfPage({ exchanges }: RecordedRequest, index: number): HeaderList {
  const { headers, provisional } = exchanges[index]?.request ?? {};
  const own = (headers ?? provisional ?? []).filter(([name, value]) => isSetByPage(name, value));
  const known = new Set(own.map(([name]) => name.toLowerCase()));
  const { names } = requestedHeaders(
    headerOf(exchanges[0]?.request.headers, 'access-control-request-headers') ?? null,
  );
  const others = names.filter((name) => !known.has(name) && isSetByPage(name, ''));
  return [...own, ...others.map(preflightedHeader)];
}

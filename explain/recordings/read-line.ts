import { z } from 'zod';
import type { HeaderList } from '../../instrumentation/src/fetch-standard/decision.ts';
import { BROWSERS } from '../browsers.ts';
import { CREDENTIALS_MODES, type RecordedRequest } from './recorded-request.ts';
import { withStoredAnswers } from './stored-answers.ts';

const value = z.union([z.string(), z.number(), z.boolean(), z.null()]).transform((one) => String(one ?? ''));

/** Header pairs as in `Headers`, or name and value as in a HAR. */
const header = z.union([
  z.tuple([z.string(), value]),
  z.object({ name: z.string(), value }).transform((named) => [named.name, named.value] as const),
]);
const headers = z
  .array(header)
  .nullish()
  .transform((list) => (list ? splitRepeated(list) : undefined));

const exchange = z.object({
  request: z.object({ method: z.string(), url: z.string(), headers }),
  response: z
    .object({ status: z.number().nullish().transform(asStatus), headers })
    .nullish()
    .transform((response) => ({
      status: response?.status,
      // Some recorders write an empty list when there was no response.
      headers:
        response?.status === undefined && response?.headers?.length === 0 ? undefined : response?.headers,
    })),
});

const line = z.object({
  id: z.union([z.string(), z.number()]).nullish().transform(asUndefined),
  origin: z.string().nullish().transform(asUndefined),
  credentials: z.enum(CREDENTIALS_MODES).nullish().transform(asUndefined),
  browser: z.enum(BROWSERS).nullish().transform(asUndefined),
  exchanges: z
    .array(exchange)
    .transform((list) => withStoredAnswers(list.map((one) => ({ page: 'the same', exchange: one })))),
});

/**
 * Parses one request of a page as JSON: `{"id"?, "origin"?, "credentials"?, "browser"?, "exchanges": [{"request":
 * {"method", "url", "headers": [[name, value], …]}, "response": {"status", "headers"}}, …]}`. Unknown
 * fields are ignored.
 *
 * @throws Error whose message describes the problem and its position in the line
 */
export function readLine(text: string): RecordedRequest {
  return asRecordedRequest(JSON.parse(text));
}

/** @throws Error as `readLine` */
export function asRecordedRequest(value: unknown): RecordedRequest {
  const read = line.safeParse(value);
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  const path = issue === undefined || issue.path.length === 0 ? 'the line' : issue.path.join('.');
  throw new Error(`${path}: ${issue?.message ?? 'invalid'}`);
}

/** Splits repeated headers, which DevTools records as lines of one value. */
export function splitRepeated(list: HeaderList): HeaderList {
  if (!list.some(([, value]) => value.includes('\n'))) return list;
  return list.flatMap(([name, value]) => value.split('\n').map((one) => [name, one] as const));
}

/** Browsers record 0 or -1 for a missing status. */
export function asStatus(status: number | null | undefined): number | undefined {
  return status !== undefined && status !== null && status >= 100 && status <= 999 ? status : undefined;
}

function asUndefined<T>(value: T | null | undefined): T | undefined {
  return value ?? undefined;
}

import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { OriginscopeError } from '../../core/errors.ts';
import { printableMessage } from '../../core/text.ts';
import { readHar } from './read-har.ts';
import { readLine } from './read-line.ts';
import type { RecordedRequest } from './recorded-request.ts';

/** The input of a user. */
export type Recording =
  | { readonly kind: 'requests'; readonly requests: AsyncIterable<RecordedRequest> }
  /** Neither a HAR nor JSON lines: a console message, or a command copied from DevTools. */
  | { readonly kind: 'text'; readonly text: string };

/**
 * Detects the format of the input: JSON lines are streamed, everything else is read completely.
 *
 * @param name of the file, for messages
 * @throws OriginscopeError `LINE_MALFORMED`, `HAR_MALFORMED`, `INPUT_EMPTY`, and errors of the stream
 */
export async function readRecording(input: Readable, name: string): Promise<Recording> {
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
  let number = 0;
  for (;;) {
    const { value, done } = await lines.next();
    if (done) throw empty(name);
    number++;
    const first = value.replace(BYTE_ORDER_MARK, '');
    if (first.trim() === '') continue;
    if (!first.trimStart().startsWith('{')) {
      return { kind: 'text', text: [first, ...(await rest(lines))].join('\n') };
    }
    const object = parse(first);
    if (object === undefined || isHar(object)) {
      const text = object === undefined ? [first, ...(await rest(lines))].join('\n') : undefined;
      const har = object ?? parse(text ?? '');
      if (har !== undefined && isHar(har)) return { kind: 'requests', requests: each(readHar(har, name)) };
      throw malformed(name, number, new Error('it is not valid JSON'));
    }
    return { kind: 'requests', requests: readLines(first, number, lines, name) };
  }
}

const BYTE_ORDER_MARK = /^\u{feff}/u;

async function* readLines(
  first: string,
  firstNumber: number,
  following: AsyncIterator<string>,
  name: string,
): AsyncGenerator<RecordedRequest> {
  let number = firstNumber;
  let line = first;
  for (;;) {
    if (line.trim() !== '') {
      try {
        yield readLine(line);
      } catch (cause) {
        throw malformed(name, number, cause);
      }
    }
    const next = await following.next();
    if (next.done) return;
    number++;
    line = next.value;
  }
}

async function* each(requests: readonly RecordedRequest[]): AsyncGenerator<RecordedRequest> {
  yield* requests;
}

async function rest(lines: AsyncIterator<string>): Promise<readonly string[]> {
  const all: string[] = [];
  for (let next = await lines.next(); !next.done; next = await lines.next()) all.push(next.value);
  return all;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isHar(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'log' in value && !('exchanges' in value);
}

function malformed(name: string, line: number, cause: unknown): OriginscopeError {
  return new OriginscopeError('LINE_MALFORMED', {
    name,
    line,
    problem: printableMessage(cause),
    cause,
    remedy:
      'Each line is one request: {"exchanges": [{"request": {"method", "url", "headers": [[name, value], …]}, "response": {"status", "headers"}}, …]}. The lines before it were explained.',
  });
}

function empty(name: string): OriginscopeError {
  return new OriginscopeError('INPUT_EMPTY', { name });
}

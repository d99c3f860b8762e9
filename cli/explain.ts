import { createReadStream } from 'node:fs';
import type { Command } from 'commander';
import { OriginscopeError } from '../core/errors.ts';
import { type Explanation, explainRequest } from '../explain/explanation.ts';
import { type Recording, readRecording } from '../explain/recordings/read-recording.ts';
import type { RecordedRequest } from '../explain/recordings/recorded-request.ts';
import type { Verdict } from '../instrumentation/src/fetch-standard/decision.ts';
import { renderExplanation, renderHeading } from './pages/explanation-page.ts';
import { explainText, renderText } from './pages/pasted-text-page.ts';
import { pageOptions } from './pages/terminal.ts';

export function explain(command: Command): Command {
  return command
    .argument(
      '<file>',
      'a HAR file, JSON lines, console messages, or a request copied as cURL or fetch; "-" for standard input',
    )
    .option('--json', 'print JSON, one result a line')
    .addHelpText('after', FORMAT)
    .action(async (file: string, { json }: { json?: boolean }) => {
      endWithReader();
      const recording = await read(file);
      if (recording.kind === 'text') await printText(recording.text, json === true);
      else if (json) await printLines(recording.requests);
      else await printPages(recording.requests);
    });
}

const FORMAT = `
A line of JSON lines is a request of a page, with its exchanges in wire order (preflight, redirects, the request):
  {"id"?, "origin"?: the page's, "credentials"?: "include"|"default"|"omit"|"same-origin",
   "exchanges": [{"request": {"method", "url", "headers": [[name, value], ...]},
                  "response": {"status", "headers": [[name, value], ...]}}, ...]}
What was not recorded is left out: an empty list says that there were no headers.

With --json a result is a line:
  {"id", "verdict": "allowed"|"blocked"|"unknown", "reason", "detail",
   "decidedBy": index of the exchange that decided, null when all were allowed,
   "decisions": [one for each exchange; a preflight that is not refused has "preflightCacheSeconds"], "notes"}

docs/reasons.md explains every reason.`;

/** @throws OriginscopeError `FILE_UNREADABLE`, and what `readRecording` throws */
async function read(file: string): Promise<Recording> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  try {
    return await readRecording(input, file === '-' ? 'standard input' : file);
  } catch (cause) {
    if (cause instanceof OriginscopeError) throw cause;
    throw new OriginscopeError('FILE_UNREADABLE', {
      file,
      why: '',
      cause,
      remedy: 'Check the path and its permissions, or give "-" and the text on standard input.',
    });
  }
}

async function printLines(requests: AsyncIterable<RecordedRequest>): Promise<void> {
  for await (const request of requests) {
    await write(`${JSON.stringify(explainRequest(request))}\n`);
  }
}

async function printText(text: string, json: boolean): Promise<void> {
  const explained = explainText(text);
  await write(json ? `${JSON.stringify(explained)}\n` : renderText(explained, pageOptions(process.stdout)));
  if (explained.kind === 'nothing') process.exitCode = 1;
}

/** One request in full. Of several: the blocked and unknown ones in full, a line for each allowed one, and a count of the rest. */
async function printPages(requests: AsyncIterable<RecordedRequest>): Promise<void> {
  const options = pageOptions(process.stdout);
  const counts: Record<Verdict, number> = { allowed: 0, blocked: 0, unknown: 0 };
  let first: RecordedRequest | undefined;
  const print = async (request: RecordedRequest, isOnly: boolean) => {
    const explanation = explainRequest(request);
    counts[explanation.verdict]++;
    if (isOnly || isOfInterest(request, explanation)) {
      await write(`${renderExplanation(request, explanation, options)}\n`);
    } else if (explanation.reason !== '' || explanation.decisions.some(({ kind }) => kind === 'actual')) {
      await write(`${renderHeading(request, explanation, options)}\n\n`);
    }
  };
  let isOnly = true;
  for await (const request of requests) {
    if (first === undefined) {
      first = request;
      continue;
    }
    if (isOnly) await print(first, false);
    isOnly = false;
    await print(request, false);
  }
  if (first === undefined) return;
  if (isOnly) return print(first, true);
  const all = counts.allowed + counts.blocked + counts.unknown;
  await write(
    `${all} requests: ${counts.allowed} allowed, ${counts.blocked} blocked, ${counts.unknown} unknown\n`,
  );
}

/** Responses from the browser's cache have no recorded request and did not fail. */
function isOfInterest({ exchanges }: RecordedRequest, { verdict, reason }: Explanation): boolean {
  if (reason === 'headers_not_captured')
    return exchanges.some(({ response }) => response.status === undefined);
  return verdict !== 'allowed';
}

/** The reader of the pipe may stop, as `head` does. */
function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
}

/** Respects the back-pressure of the reader. */
async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await new Promise((resolve) => process.stdout.once('drain', resolve));
}

import { createReadStream } from 'node:fs';
import type { Command } from 'commander';
import { OriginscopeError } from '../core/errors.ts';
import type { Browser } from '../explain/browsers.ts';
import { type ComparedExplanation, explainRequest } from '../explain/explanation.ts';
import { type Recording, readRecording } from '../explain/recordings/read-recording.ts';
import type { RecordedRequest } from '../explain/recordings/recorded-request.ts';
import type { Verdict } from '../instrumentation/src/fetch-standard/decision.ts';
import { browserOption, browsersOf } from './browser-option.ts';
import { errorText } from './pages/error-text.ts';
import { explainText, renderText, verdictOfText } from './pages/pasted-text-page.ts';
import { createExplanationsPage, isOfInterest } from './pages/recording-page.ts';
import { pageOptions } from './pages/terminal.ts';
import { EXIT_CODES, EXIT_CODES_HELP, endOnMisuse } from './verdict-exit-codes.ts';

interface Flags {
  readonly browser?: Browser;
  readonly json?: boolean;
}

export function explain(command: Command): Command {
  return command
    .argument(
      '<file>',
      'a HAR file, JSON lines, console messages, or a request copied as cURL or fetch; "-" for standard input',
    )
    .addOption(browserOption())
    .option('--json', 'print JSON, one result a line')
    .exitOverride(endOnMisuse)
    .addHelpText('after', FORMAT)
    .action(async (file: string, { browser, json }: Flags) => {
      endWithReader();
      try {
        process.exitCode = EXIT_CODES[await explainFile(file, browsersOf(browser), json === true)];
      } catch (error) {
        if (!(error instanceof OriginscopeError)) throw error;
        console.error(errorText(error));
        process.exitCode = EXIT_CODES.unknown;
      }
    });
}

/** @returns the worst verdict: blocked before unknown before allowed */
async function explainFile(file: string, browsers: readonly Browser[], json: boolean): Promise<Verdict> {
  const recording = await read(file);
  if (recording.kind === 'text') return printText(recording.text, json);
  return json ? printLines(recording.requests, browsers) : printPages(recording.requests, browsers);
}

const FORMAT = `
A line of JSON lines is a request of a page, with its exchanges in wire order (preflight, redirects, the request):
  {"id"?, "origin"?: the page's, "credentials"?: "include"|"default"|"omit"|"same-origin",
   "browser"?: the one that sent it, "chrome"|"firefox"|"safari",
   "exchanges": [{"request": {"method", "url", "headers": [[name, value], ...]},
                  "response": {"status", "headers": [[name, value], ...]}}, ...]}
What was not recorded is left out: an empty list says that there were no headers.

With --json a result is a line:
  {"id", "browser": the one that is explained, "verdict": "allowed"|"blocked"|"unknown", "reason", "detail",
   "decidedBy": index of the exchange that decided, null when all were allowed,
   "decisions": [one for each exchange; a preflight that is not blocked has "preflightCacheSeconds"], "notes",
   "differences": [{"browser", "verdict", "reason", "detail"} of each browser that does something else],
   "behaviours": in what they differ}

${EXIT_CODES_HELP}

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

async function printText(text: string, json: boolean): Promise<Verdict> {
  const explained = explainText(text);
  await write(json ? `${JSON.stringify(explained)}\n` : renderText(explained, pageOptions(process.stdout)));
  return verdictOfText(explained);
}

async function printLines(
  requests: AsyncIterable<RecordedRequest>,
  browsers: readonly Browser[],
): Promise<Verdict> {
  return printEach(requests, browsers, (_, explanation) => `${JSON.stringify(explanation)}\n`);
}

async function printPages(
  requests: AsyncIterable<RecordedRequest>,
  browsers: readonly Browser[],
): Promise<Verdict> {
  const page = createExplanationsPage(pageOptions(process.stdout));
  const verdict = await printEach(requests, browsers, page.add);
  await write(page.end());
  return verdict;
}

/** @returns the worst verdict */
async function printEach(
  requests: AsyncIterable<RecordedRequest>,
  browsers: readonly Browser[],
  render: (request: RecordedRequest, explanation: ComparedExplanation) => string,
): Promise<Verdict> {
  const verdicts = new Set<Verdict>();
  for await (const request of requests) {
    const explanation = explainRequest(request, browsers);
    if (isOfInterest(request, explanation)) verdicts.add(explanation.verdict);
    await write(render(request, explanation));
  }
  return worstOf(verdicts);
}

function worstOf(verdicts: ReadonlySet<Verdict>): Verdict {
  return (['blocked', 'unknown'] as const).find((verdict) => verdicts.has(verdict)) ?? 'allowed';
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

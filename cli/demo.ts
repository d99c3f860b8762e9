import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import Table from 'cli-table3';
import { type Command, InvalidArgumentError } from 'commander';
import { pino } from 'pino';
import type { Incident } from '../analyzer/incidents/incident.ts';
import { takeDataDirectory } from '../clickhouse/data-directory.ts';
import { RETENTION } from '../clickhouse/retention.ts';
import { startCollector } from '../collector/collector.ts';
import { derivationRules } from '../collector/otlp/decode.ts';
import type { Verification } from '../collector/verify/verification.ts';
import { verify } from '../collector/verify/verify.ts';
import { createClosers } from '../core/closers.ts';
import { originscopeCommand } from '../core/program.ts';
import { cleaned } from '../core/text.ts';
import type { ServiceUrls } from '../examples/browsers/calls.ts';
import { type Exercise, exercise } from '../examples/exercise.ts';
import { demoHistory, HISTORY_MILLIS } from '../examples/history/history.ts';
import { type SelfCheck, selfCheck } from '../examples/self-check.ts';
import { startServices } from '../examples/services.ts';
import { report as readReport } from '../reports/report.ts';
import { startControl } from '../server/control.ts';
import { importHistory } from './demo-history.ts';
import { createDemoAnalyzer, type DemoAnalyzer } from './demo-incidents.ts';
import { createProgress } from './pages/progress.ts';
import { pageOptions } from './pages/terminal.ts';
import { renderVerification } from './pages/verify-page.ts';
import { printReport } from './report.ts';
import { questionsAbout } from './running-process.ts';

interface Flags {
  readonly exit?: boolean;
  readonly seconds: number;
}

const MINUTE = 60_000;

/** Exit status of a program that Ctrl-C ended, as shells report it. */
const INTERRUPTED = 130;

export function demo(command: Command): Command {
  return command
    .option('--exit', 'exit after the check instead of staying up')
    .option('--seconds <number>', 'duration of the traffic', parseSeconds, 20)
    .action(runDemo);
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 600) {
    throw new InvalidArgumentError('Expected a whole number from 1 to 600.');
  }
  return seconds;
}

async function runDemo({ exit = false, seconds }: Flags): Promise<void> {
  const stopping = stopOnSignal();
  const path = mkdtempSync(join(tmpdir(), 'originscope-demo-'));
  const closers = createClosers();
  closers.add(() => rmSync(path, { recursive: true, force: true }));
  try {
    const directory = await takeDataDirectory(path, 'demo', { now: Date.now, waitMillis: 0 });
    closers.add(directory.release);
    const historyEnd = await readHistory(path);
    const log = pino({ base: null, level: 'warn' }, pino.destination(2));
    const collector = await startCollector({
      location: { directory: path },
      host: '127.0.0.1',
      port: 0,
      token: undefined,
      auth: 'token',
      retention: RETENTION,
      log,
      now: Date.now,
    });
    closers.add(collector.close);
    const analyzer = await createDemoAnalyzer({
      reading: await collector.clickhouse.openReader(),
      writing: collector.clickhouse.writing,
      since: historyEnd - HISTORY_MILLIS,
      until: historyEnd,
      log,
      now: Date.now,
      write: (text) => process.stdout.write(text),
    });
    closers.add(analyzer.close);
    const before = await analyzeHistory(analyzer, historyEnd);
    if (stopping.signal.aborted) {
      process.exitCode = INTERRUPTED;
      return;
    }

    const started = Date.now();
    const done = await generateTraffic(collector.url, seconds, stopping.signal);
    if (done === undefined) {
      process.exitCode = INTERRUPTED;
      return;
    }
    const window = { since: started, until: Date.now() + 1 };
    printReport(await readReport(collector.clickhouse.reading, window));
    console.log();
    printContinued(before, await analyzer.advance(Math.ceil(Date.now() / MINUTE) * MINUTE));
    const check = await selfCheck(collector.clickhouse.reading, done.ledger, historyEnd);
    printSelfCheck(check, done);
    const verification = await verify(collector.clickhouse.reading, { now: Date.now() });
    printVerification(verification);
    if (check.mismatches.length > 0 || !verification.ok) process.exitCode = 1;
    if (exit || stopping.signal.aborted) return;

    const control = await startControl(
      questionsAbout(collector.clickhouse, { derivation: derivationRules(), retention: RETENTION }),
    );
    closers.add(control.close);
    directory.announce(control.address);
    const services = await startServices(collector.url, { urls: done.urls });
    closers.add(services.stop);
    printWhatNext(done.urls, path);
    await stopping.requested;
  } catch (error) {
    // Errors caused by the shutdown itself are not reported.
    if (!stopping.signal.aborted) throw error;
    process.exitCode = INTERRUPTED;
  } finally {
    await closers.close();
    stopping.forget();
  }
}

/**
 * Imports eight days of the catalog, which end now.
 *
 * @returns their end, epoch milliseconds
 */
async function readHistory(path: string): Promise<number> {
  const end = Math.floor(Date.now() / MINUTE) * MINUTE;
  const progress = createProgress();
  progress.show(0, 'importing eight days of history…');
  const { decisions, millis } = await importHistory(path, withProgress(demoHistory(end), progress), Date.now);
  progress.clear();
  console.log(
    `Eight days of the catalog, ${count(decisions)} decisions, were imported in ${(millis / 1000).toFixed(1)} s.`,
  );
  return end;
}

function* withProgress<Item>(
  hours: Iterable<Item>,
  progress: ReturnType<typeof createProgress>,
): Generator<Item> {
  let hour = 0;
  for (const item of hours) {
    progress.show(++hour / (HISTORY_MILLIS / 3_600_000), 'importing eight days of history…');
    yield item;
  }
}

async function analyzeHistory(analyzer: DemoAnalyzer, end: number): Promise<Incident[]> {
  console.log('They end inside an incident, which the live traffic will continue. The analyzer says:\n');
  return analyzer.advance(end);
}

/** What the live traffic added to the breakage of the history. */
function printContinued(before: readonly Incident[], after: readonly Incident[]): void {
  for (const { id, class: incidentClass, decisions, subject } of after) {
    const known = before.find((incident) => incident.id === id);
    if (incidentClass !== 'breakage' || known === undefined || decisions <= known.decisions) continue;
    console.log(
      `${styleText('red', '●')} Incident ${id} (${subject.kind} ${cleaned(subject.value)}) goes on in the live traffic: ${count(decisions - known.decisions)} more blocked requests.`,
    );
  }
  console.log();
}

/** @returns undefined if it was interrupted */
async function generateTraffic(
  collectorUrl: string,
  seconds: number,
  signal: AbortSignal,
): Promise<Exercise | undefined> {
  const progress = createProgress();
  console.log('Three services (Express, Fastify, Hono), a dozen origins, simulated browsers and real pages.');
  progress.show(0, 'starting the services…');
  try {
    const done = await exercise({
      collectorUrl,
      millis: seconds * 1000,
      signal,
      realPages: true,
      now: Date.now,
      onProgress: (elapsed, { exchanges }) => {
        const fraction = elapsed / (seconds * 1000);
        const what = fraction < 1 ? `${count(exchanges)} CORS exchanges` : 'stopping the services…';
        progress.show(fraction, what);
      },
    });
    return signal.aborted ? undefined : done;
  } finally {
    progress.clear();
  }
}

function printSelfCheck({ mismatches, recorded }: SelfCheck, { ledger, hadRealPages }: Exercise): void {
  const browsers = hadRealPages ? 'simulated browsers and real pages in Chromium' : 'simulated browsers';
  if (!hadRealPages) console.log('Without Chromium and playwright-core all browsers were simulated.');
  if (mismatches.length === 0) {
    console.log(`${styleText('green', '✔')} Self-check: what ${browsers} experienced`);
    console.log(`  in ${count(ledger.exchanges)} CORS exchanges equals what ClickHouse holds, exactly.`);
    if (ledger.undecidable > 0) {
      console.log(
        `  Of ${count(ledger.undecidable)} the verdict depends on credentials that the request does not show;`,
      );
      console.log('  they are unknown, as they must be.');
    }
    return;
  }
  const table = new Table({
    head: ['service', 'origin', 'kind', 'verdict', 'reason', 'experienced', 'recorded'],
    style: { head: [], border: [] },
    colAligns: ['left', 'left', 'left', 'left', 'left', 'right', 'right'],
  });
  for (const { service, origin, kind, verdict, reason, experienced, recorded } of mismatches) {
    table.push([
      cleaned(service),
      cleaned(origin),
      kind,
      verdict,
      reason,
      count(experienced),
      count(recorded),
    ]);
  }
  console.log(table.toString());
  console.log(
    `${styleText('red', '✘')} Self-check: ${browsers} experienced ${count(ledger.exchanges)} CORS exchanges, ClickHouse holds ${count(recorded)}; the rows above differ.`,
  );
}

function printVerification(verification: Verification): void {
  if (verification.ok) {
    const rows = verification.checks.find(({ name }) => name === 'rows')?.checked ?? 0;
    console.log(
      `${styleText('green', '✔')} originscope verify: all ${count(rows)} rows of the database hold together.`,
    );
  } else {
    console.log(`${styleText('red', '✘')} originscope verify:`);
    console.log(renderVerification(verification, pageOptions(process.stdout)));
  }
}

function printWhatNext(urls: ServiceUrls, path: string): void {
  const bold = (text: string): string => styleText('bold', text);
  console.log(`
The services and the collector stay up until Ctrl-C. Try:

  A preflight from an origin that nobody knows, as a browser would send it:
  ${bold(`curl -si -X OPTIONS ${urls.catalog}/cart -H 'Origin: https://new.example' \\
    -H 'Access-Control-Request-Method: POST' -H 'Access-Control-Request-Headers: content-type'`)}

  A method that @fastify/cors does not allow unless it is told to:
  ${bold(`curl -si -X OPTIONS ${urls.accounts}/account/profile -H 'Origin: https://shop.example' \\
    -H 'Access-Control-Request-Method: PUT'`)}

  Then, a few seconds later, the report again:
  ${bold(originscopeCommand(['report', '--data', path, '--service', 'catalog']))}
`);
}

function count(number: number): string {
  return number.toLocaleString('en');
}

/** The first SIGINT or SIGTERM shuts the demo down; a second one ends the process at once. */
function stopOnSignal() {
  const controller = new AbortController();
  const { promise: requested, resolve } = Promise.withResolvers<void>();
  const stop = (): void => {
    forget();
    controller.abort();
    resolve();
  };
  const forget = (): void => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, stop);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  return { signal: controller.signal, requested, forget };
}

import type { Browser } from '../../explain/browsers.ts';
import { explainIn } from '../../explain/explanation.ts';
import { asRecordedRequest } from '../../explain/recordings/read-line.ts';
import type { Exchange } from '../../instrumentation/src/fetch-standard/decision.ts';
import type { Answerer } from './answerer.ts';
import type { BrowserCase } from './browser-case.ts';

/** A running browser other than Chromium, in a page of the plain kind. */
export interface Engine {
  readonly browser: Browser;
  readonly version: string;
  evaluate(expression: string): Promise<unknown>;
}

/** What an engine did with a case, and what the server saw. */
export interface EngineOutcome {
  readonly isAllowed: boolean;
  readonly exchanges: readonly Exchange[];
}

/** The requests of a page of one origin, without a cache. */
export function isFetched({ page, sender, stored }: BrowserCase): boolean {
  return page === 'plain' && sender === undefined && stored === undefined;
}

/** @returns whether the page got its answer */
export async function fetchInEngine(
  { evaluate }: Pick<Engine, 'evaluate'>,
  { method, headers, body, mode, credentials }: BrowserCase,
  url: string,
): Promise<boolean> {
  const init = { method, headers, mode, credentials, cache: 'no-store', body };
  const isAllowed = await evaluate(
    `fetch(${JSON.stringify(url)}, ${JSON.stringify(init)}).then(() => true, () => false)`,
  );
  return isAllowed === true;
}

/** Runs the cases one after the other; outcomes in their order. */
export async function askEngine(
  engine: Engine,
  cases: readonly BrowserCase[],
  answerer: Answerer,
  firstId = 1,
): Promise<readonly EngineOutcome[]> {
  const outcomes: EngineOutcome[] = [];
  for (const [index, browserCase] of cases.entries()) {
    const id = firstId + index;
    const isAllowed = await fetchInEngine(engine, browserCase, answerer.prepare(id, browserCase));
    outcomes.push({ isAllowed, exchanges: answerer.take(id) });
  }
  return outcomes;
}

/** How often explanations left open what an engine did, and where they were wrong. */
export interface EngineAgreement {
  readonly blocked: number;
  readonly unknown: number;
  /** From the exchanges alone. */
  readonly seenUnknown: number;
  readonly wrong: readonly string[];
}

/** Compares what an engine did with the explanations of what the server saw. */
export function compareWithEngine(
  browser: Browser,
  cases: readonly BrowserCase[],
  outcomes: readonly EngineOutcome[],
): EngineAgreement {
  const count = { blocked: 0, unknown: 0, seenUnknown: 0 };
  const wrong: string[] = [];
  for (const [index, { isAllowed, exchanges }] of outcomes.entries()) {
    const { name, credentials } = cases[index] ?? {};
    // Requests that were never sent cannot be judged.
    if (exchanges.length === 0) continue;
    const expected = isAllowed ? 'allowed' : 'blocked';
    const told = explainIn(browser, asRecordedRequest({ browser, credentials, exchanges }));
    const seen = explainIn(browser, asRecordedRequest({ browser, exchanges }));
    if (!isAllowed) count.blocked++;
    if (told.verdict === 'unknown') count.unknown++;
    if (seen.verdict === 'unknown') count.seenUnknown++;
    const isWrong = [told, seen].some(({ verdict }) => verdict !== 'unknown' && verdict !== expected);
    if (isWrong) {
      wrong.push(
        `${name}: ${browser} ${expected}, we said ${told.verdict} ${told.reason}, of the exchanges alone ${seen.verdict}\n` +
          `  line: ${JSON.stringify({ id: name, credentials, exchanges })}`,
      );
    }
  }
  return { ...count, wrong };
}

import { createHash } from 'node:crypto';
import type { ComparedExplanation } from '../../explain/explanation.ts';
import type { RecordedRequest } from '../../explain/recordings/recorded-request.ts';
import type { Verdict } from '../../instrumentation/src/fetch-standard/decision.ts';
import { askLine, renderExplanation, renderHeading, wrappedUnder } from './explanation-page.ts';
import type { PageOptions } from './terminal.ts';

/** The page of a whole recording, written while the recording is read. */
export interface ExplanationsPage {
  /** @returns what to print now */
  add(request: RecordedRequest, explanation: ComparedExplanation): string;
  end(): string;
}

/**
 * A single request is shown in full. Of several: the blocked and unknown ones in full, a line for each allowed
 * one, equal ones once, and a count of the rest.
 */
export function createExplanationsPage(options: PageOptions): ExplanationsPage {
  const counts: Record<Verdict, number> = { allowed: 0, blocked: 0, unknown: 0 };
  const repeated = new Map<string, { heading: string; more: number }>();
  let first: readonly [RecordedRequest, ComparedExplanation] | undefined;
  let hasUnrecorded = false;

  function show(request: RecordedRequest, explanation: ComparedExplanation): string {
    // Requests are equal if they are so but for their numbers.
    const unnumbered = textOf({ ...request, id: undefined }, { ...explanation, id: undefined }, options);
    if (unnumbered === '') return '';
    if (isLeftOutByRecorder(request, explanation)) hasUnrecorded = true;
    const key = createHash('sha256').update(unnumbered).digest('base64');
    const known = repeated.get(key);
    if (known !== undefined) {
      known.more++;
      return '';
    }
    repeated.set(key, { heading: renderHeading(request, explanation, options), more: 0 });
    return `${textOf(request, explanation, options)}\n`;
  }

  return {
    add(request, explanation) {
      const all = counts.allowed + counts.blocked + counts.unknown;
      counts[explanation.verdict]++;
      if (all === 0) {
        first = [request, explanation];
        return '';
      }
      const before = all === 1 && first !== undefined ? show(...first) : '';
      return before + show(request, explanation);
    },
    end() {
      if (first === undefined) return '';
      const all = counts.allowed + counts.blocked + counts.unknown;
      if (all === 1)
        return `${renderExplanation(...first, options)}${isLeftOutByRecorder(...first) ? `\n${note(options)}` : ''}`;
      const more = [...repeated.values()]
        .filter((one) => one.more > 0)
        .map((one) => `${one.more} more like this: ${one.heading}\n`);
      const summary = `${all} requests: ${counts.allowed} allowed, ${counts.blocked} blocked, ${counts.unknown} unknown\n`;
      return [...more, more.length > 0 ? '\n' : '', hasUnrecorded ? `${note(options)}\n` : '', summary].join(
        '',
      );
    },
  };
}

/** Empty when it is not worth a line. */
function textOf(request: RecordedRequest, explanation: ComparedExplanation, options: PageOptions): string {
  if (isLeftOutByRecorder(request, explanation)) {
    return `${[renderHeading(request, explanation, options), ...askLine(request, explanation)].join('\n')}\n`;
  }
  if (isOfInterest(request, explanation)) return renderExplanation(request, explanation, options);
  const isCors = explanation.reason !== '' || explanation.decisions.some(({ kind }) => kind === 'actual');
  return isCors ? `${renderHeading(request, explanation, options)}\n` : '';
}

/** Responses from the browser's cache have no recorded request and did not fail. */
export function isOfInterest(
  { exchanges }: RecordedRequest,
  { verdict, reason }: ComparedExplanation,
): boolean {
  if (reason === 'headers_not_captured')
    return exchanges.some(({ response }) => response.status === undefined) || exchanges.length === 0;
  return verdict !== 'allowed';
}

/** Whether there is nothing to say but that the recorder left the response out. */
function isLeftOutByRecorder(
  { omitsBlocked, exchanges }: RecordedRequest,
  { reason }: ComparedExplanation,
): boolean {
  return (
    omitsBlocked === true &&
    reason === 'headers_not_captured' &&
    exchanges.every(({ response }) => response.status === undefined)
  );
}

function note(options: PageOptions): string {
  const text =
    "Playwright's recordHar keeps neither preflights nor the responses that the browser blocked, so that the requests above are open: ask the server itself with the commands, or save a HAR in the network panel of the developer tools, which has both.";
  return `${wrappedUnder('', text, options)}\n`;
}

import type { Behaviour } from '../browser-behaviour.ts';
import type { Browser } from '../browsers.ts';
import { type ComparedExplanation, compareExplanations, explainIn } from '../explanation.ts';
import type { PageRequest, WireRequest } from './page-request.ts';
import { type Probed, type ProbeOptions, probe } from './probe.ts';
import type { Answer } from './send.ts';

/** The probe of the browser that fails, if any, compared with the others. */
export interface ComparedProbe extends Probed {
  readonly explanation: ComparedExplanation;
}

/**
 * Probes as each of the browsers would send the request. What several of them send is sent once: it may modify
 * data.
 */
export async function probeBrowsers(
  browsers: readonly Browser[],
  page: PageRequest,
  options: Omit<ProbeOptions, 'browser'>,
): Promise<ComparedProbe> {
  const sent = new Map<string, Promise<Answer>[]>();
  const probes: Probed[] = [];
  for (const browser of browsers) {
    const times = new Map<string, number>();
    const send = (request: WireRequest): Promise<Answer> => {
      const key = keyOf(request);
      const time = times.get(key) ?? 0;
      times.set(key, time + 1);
      const answers = sent.get(key) ?? [];
      sent.set(key, answers);
      const answer = answers[time] ?? options.send(request);
      answers[time] = answer;
      return answer;
    };
    probes.push(await probe(page, { ...options, browser, send }));
  }
  const explanation = compareExplanations(probes.map((one) => one.explanation));
  const main = probes.find(({ recorded }) => recorded.browser === explanation.browser);
  if (main === undefined) throw new Error('expected a probe of at least one browser');
  const behaviours = explanation.differences.length === 0 ? [] : behavioursIn(browsers, probes);
  return { ...main, explanation: { ...explanation, behaviours } };
}

/** In what the browsers differ: what one of them does unlike the requests of another. */
function behavioursIn(browsers: readonly Browser[], probes: readonly Probed[]): readonly Behaviour[] {
  const found = probes.flatMap(({ recorded }) =>
    browsers.flatMap((browser) => explainIn(browser, { ...recorded, browser: undefined }).behaviours),
  );
  return [...new Set(found)];
}

/** Fetch metadata differ between browsers, but do not make another request. */
function keyOf({ method, url, headers }: WireRequest): string {
  return JSON.stringify([method, url, headers.filter(([name]) => !name.startsWith('Sec-Fetch-'))]);
}

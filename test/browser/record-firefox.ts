import { writeFile } from 'node:fs/promises';
import type { RunningFirefox } from '../support/firefox.ts';
import type { Answerer } from './answerer.ts';
import type { BrowserCase } from './browser-case.ts';
import { fetchInEngine } from './engine.ts';

/** Records Firefox's console messages and HAR of the cases as fixtures. */
export async function recordFirefox(
  cases: readonly BrowserCase[],
  firefox: RunningFirefox,
  answerer: Answerer,
): Promise<void> {
  const major = firefox.version.split('.')[0];
  const said: string[] = [];
  for (const [index, browserCase] of cases.entries()) {
    const isAllowed = await fetchInEngine(firefox, browserCase, answerer.prepare(index + 1, browserCase));
    const messages = await firefox.takeErrors();
    answerer.take(index + 1);
    if (!isAllowed) said.push(JSON.stringify({ case: browserCase.name, messages }));
  }
  await write(`console-messages/firefox-${major}.jsonl`, said.join('\n'));

  const saveHar = await firefox.recordHar();
  let lastUrl = '';
  // The first again: once the panel has that one, it has all earlier ones.
  for (const [index, browserCase] of [...cases, ...cases.slice(0, 1)].entries()) {
    lastUrl = answerer.prepare(index + 1, browserCase);
    await fetchInEngine(firefox, browserCase, lastUrl);
    answerer.take(index + 1);
  }
  const { log } = (await saveHar(lastUrl)) as SavedHar;
  const entries = log.entries
    .filter(({ request }) => request.url !== lastUrl)
    .map((entry) => {
      const id = /\/case\/(\d+)\//.exec(entry.request.url)?.[1];
      return { ...entry, comment: cases[Number(id) - 1]?.name };
    });
  await write(`har/firefox-${major}.har`, JSON.stringify({ log: { ...log, entries } }, null, 1));
}

interface SavedHar {
  readonly log: { readonly entries: readonly { readonly request: { readonly url: string } }[] };
}

/** The port differs each time. */
async function write(name: string, text: string): Promise<void> {
  const file = new URL(`../fixtures/${name}`, import.meta.url);
  await writeFile(file, `${text.replace(/localhost:\d+/g, 'localhost:8080')}\n`);
}

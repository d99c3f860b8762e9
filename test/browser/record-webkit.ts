import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findWebKit, VIRTUAL_DISPLAY, WEBKIT_MISSING } from '../support/webkit.ts';
import type { Answerer } from './answerer.ts';
import type { BrowserCase } from './browser-case.ts';

/** Written to the console before the messages of each case. */
const MARK = 'originscope: case ';
const END = 'originscope: all cases';

/** Records WebKit's console messages of the cases as a fixture. It prints them only when it is not driven. */
export async function recordWebKit(
  cases: readonly BrowserCase[],
  version: string,
  answerer: Answerer,
): Promise<void> {
  const path = findWebKit();
  if (path === undefined) throw new Error(WEBKIT_MISSING);
  const home = await mkdtemp(join(tmpdir(), 'originscope-webkit-'));
  const child = spawn(
    VIRTUAL_DISPLAY,
    [
      '-a',
      path,
      '--enable-write-console-messages-to-stdout=true',
      answerer.scriptedUrl(scriptFor(cases, answerer)),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: home }, detached: true },
  );
  const said = new Map<string, string[]>();
  let name = '';
  for await (const line of createInterface({ input: child.stderr })) {
    const text = /CONSOLE (?:[A-Z]+ )?(?:LOG|ERROR|WARN|INFO) (.*)$/.exec(line)?.[1];
    if (text === undefined) continue;
    if (text.startsWith(END)) break;
    if (text.startsWith(MARK)) name = cases[Number(text.slice(MARK.length))]?.name ?? '';
    else said.set(name, [...(said.get(name) ?? []), text]);
  }
  const ended = once(child, 'exit');
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  await ended;
  await rm(home, { recursive: true, force: true, maxRetries: 5 });
  const lines = [...said].map(([one, messages]) => JSON.stringify({ case: one, messages }));
  const file = new URL(
    `../fixtures/console-messages/webkit-${version.split('.').slice(0, 2).join('.')}.jsonl`,
    import.meta.url,
  );
  // The port differs each time.
  await writeFile(file, `${lines.join('\n').replace(/localhost:\d+/g, 'localhost:8080')}\n`);
}

function scriptFor(cases: readonly BrowserCase[], answerer: Answerer): string {
  const calls = cases.map((browserCase, i) => {
    const { method, headers, body, mode, credentials } = browserCase;
    const init = { method, headers, mode, credentials, cache: 'no-store', body };
    return [answerer.prepare(i + 1, browserCase), init];
  });
  return `for (const [i, [url, init]] of ${JSON.stringify(calls)}.entries()) {
    console.log('${MARK}' + i);
    await fetch(url, init).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve));
  }
  console.log('${END}');`;
}

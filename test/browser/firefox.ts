import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { explainRequest } from '../../cli/explain/explanation.ts';
import { asRecordedRequest } from '../../cli/explain/read-line.ts';
import { launchFirefox } from '../support/firefox.ts';
import { startAnswerer } from './answerer.ts';
import { namedCases } from './named-cases.ts';
import { randomCases } from './random-cases.ts';

/**
 * Holds the named cases, and random ones, against the installed Firefox: `node test/browser/firefox.ts --cases
 * 1000 --seed 1`. With `--record` what its console says of the named ones becomes the fixture that `originscope explain` is tested with.
 */
const { values } = parseArgs({
  options: {
    record: { type: 'boolean', default: false },
    cases: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
  },
});

/** In the page: whether the fetch resolved. */
const FETCH = 'return fetch(arguments[0], arguments[1]).then(() => true, () => false);';

async function main(): Promise<void> {
  const answerer = await startAnswerer();
  const firefox = await launchFirefox();
  const said: { case: string; messages: readonly string[] }[] = [];
  let cases = 0;
  let differences = 0;
  let blocked = 0;
  let unknown = 0;
  try {
    await firefox.goto(answerer.cookieUrl());
    await firefox.goto(answerer.pageUrl('plain'));
    const named = namedCases.map(({ browserCase }) => browserCase);
    for (const browserCase of [...named, ...randomCases(Number(values.cases), Number(values.seed))]) {
      const { name, page, sender, stored, method, headers, body, mode, credentials } = browserCase;
      if (page !== 'plain' || sender !== undefined || stored !== undefined) continue;
      const id = ++cases;
      const url = answerer.prepare(id, browserCase);
      const init = { method, headers, mode, credentials, cache: 'no-store', body };
      await firefox.takeErrors();
      const allowed = await firefox.evaluate(FETCH, url, init);
      const messages = allowed ? [] : await firefox.takeErrors();
      if (!allowed && named.includes(browserCase))
        said.push({ case: name, messages: messages.map(withFixedPort) });
      const exchanges = answerer.take(id);
      if (exchanges.length === 0) continue;
      const explained = explainRequest(asRecordedRequest({ credentials, exchanges }));
      if (!allowed) blocked++;
      if (explained.verdict === 'unknown') unknown++;
      if (explained.verdict === 'unknown' || explained.verdict === (allowed ? 'allowed' : 'blocked'))
        continue;
      differences++;
      console.log(
        `${name}: Firefox ${allowed ? 'allowed' : 'blocked'}, we said ${explained.verdict} ${explained.reason}`,
      );
      for (const message of messages) console.log(`  ${message}`);
      console.log(`  line: ${JSON.stringify({ id: name, credentials, exchanges })}`);
    }
    if (values.record) {
      const major = firefox.version.split('.')[0];
      const file = new URL(`../fixtures/console-messages/firefox-${major}.jsonl`, import.meta.url);
      await writeFile(fileURLToPath(file), said.map((one) => `${JSON.stringify(one)}\n`).join(''));
    }
  } finally {
    await firefox.close();
    await answerer.close();
  }
  console.log(
    `Firefox ${firefox.version}: ${cases} cases, ${blocked} blocked; ${unknown} unknown, ${differences} other verdicts`,
  );
  process.exitCode = differences > 0 ? 1 : 0;
}

function withFixedPort(message: string): string {
  return message.replace(/localhost:\d+/g, 'localhost:8080');
}

await main();

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { explainRequest } from '../../explain/explanation.ts';
import { readHar } from '../../explain/recordings/read-har.ts';
import { namedCases } from './named-cases.ts';

const directory = new URL('../fixtures/har/', import.meta.url);

interface Commented {
  readonly log: {
    readonly entries: readonly {
      readonly request: {
        readonly url: string;
        readonly headers: readonly { readonly name: string; readonly value: string }[];
      };
      readonly comment: string;
    }[];
  };
}

/** A 304 without any header: a HAR does not show that it had none. */
const LEFT_OPEN = 'acao_missing: a 304 that nobody asked for';

describe.each(readdirSync(directory))('%s, saved by the developer tools', (file) => {
  const har: Commented = JSON.parse(readFileSync(new URL(file, directory), 'utf8'));
  const nameOf = new Map(har.log.entries.map(({ request, comment }) => [request.url, comment]));
  const requests = readHar(har, file).map((request) => {
    const name = nameOf.get(request.exchanges[0]?.request.url ?? '') ?? '';
    return { name, request };
  });

  test('shows each named case', () => {
    expect(requests.length).toBeGreaterThan(40);
    expect(new Set(requests.map(({ name }) => name)).size).toBe(requests.length);
  });

  test('shows the credentials mode of all cross-site requests, including preflights', () => {
    const shown = har.log.entries.flatMap(({ request, comment }) => {
      const valueFor = (name: string) => request.headers.find((one) => one.name === name)?.value;
      // A redirect may have led it back to the site that the user visits.
      if (valueFor('Sec-Fetch-Site') !== 'cross-site' || valueFor('Origin') === 'null') return [];
      const known = namedCases.find(({ browserCase }) => browserCase.name === comment);
      const isIncluded = known?.browserCase.credentials === 'include';
      return [{ comment, isRight: isIncluded === (valueFor('Sec-Fetch-Storage-Access') !== undefined) }];
    });
    expect(shown.length).toBeGreaterThan(60);
    expect(shown.filter(({ isRight }) => !isRight)).toEqual([]);
  });

  test.each(requests)('is explained correctly: $name', ({ name, request }) => {
    const known = namedCases.find(({ browserCase }) => browserCase.name === name);
    const told = explainRequest({ ...request, credentials: known?.browserCase.credentials });
    expect(told.reason).toBe(name === LEFT_OPEN ? 'headers_not_captured' : known?.reason);
    const seen = explainRequest(request);
    if (seen.verdict !== 'unknown') expect(seen.reason).toBe(told.reason);
  });
});

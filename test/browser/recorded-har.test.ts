import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { explainRequest } from '../../cli/explain/explanation.ts';
import { readHar } from '../../cli/explain/read-har.ts';
import { namedCases } from './named-cases.ts';

const directory = new URL('../fixtures/har/', import.meta.url);

interface Commented {
  readonly log: {
    readonly entries: readonly { readonly request: { readonly url: string }; readonly comment: string }[];
  };
}

/** A 304 without any header: a HAR does not show that it had none. */
const LEFT_OPEN = 'acao_missing: a 304 that nobody asked for';

describe.each(readdirSync(directory))('%s, as the developer tools saved it', (file) => {
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

  test.each(requests)('is explained as what the browser did: $name', ({ name, request }) => {
    const known = namedCases.find(({ browserCase }) => browserCase.name === name);
    const told = explainRequest({ ...request, credentials: known?.browserCase.credentials });
    expect(told.reason).toBe(name === LEFT_OPEN ? 'headers_not_captured' : known?.reason);
    const seen = explainRequest(request);
    if (seen.verdict !== 'unknown') expect(seen.reason).toBe(told.reason);
  });
});

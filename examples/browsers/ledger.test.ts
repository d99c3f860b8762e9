import { expect, test } from 'vitest';
import { compare, type Experience, Ledger, type LedgerRow } from './ledger.ts';

function experience(given: Partial<Experience> = {}): Experience {
  return {
    service: 'catalog',
    origin: 'https://shop.example',
    kind: 'actual',
    block: null,
    includesCredentials: false,
    otherwise: null,
    showsCredentials: false,
    ...given,
  };
}

function verdictOf(given: Partial<Experience>): string {
  const ledger = new Ledger();
  ledger.note(experience(given));
  const [row] = ledger.rows();
  return `${row?.verdict} ${row?.reason}`.trim();
}

const WILDCARD = { reason: 'acao_wildcard_with_credentials' } as const;
const METHOD = { reason: 'method_not_allowed' } as const;

test('the expected server-side verdict is that of the browser, unless a server cannot know it', () => {
  expect(verdictOf({})).toBe('allowed');
  expect(verdictOf({ block: METHOD, otherwise: METHOD })).toBe('blocked method_not_allowed');
  // The other credentials mode would have a different result, and the request did not show its mode.
  expect(verdictOf({ otherwise: WILDCARD })).toBe('unknown credentials_mode_unknown');
  expect(verdictOf({ block: WILDCARD, includesCredentials: true })).toBe('unknown credentials_mode_unknown');
  expect(verdictOf({ block: WILDCARD, includesCredentials: true, showsCredentials: true })).toBe(
    'blocked acao_wildcard_with_credentials',
  );
  expect(verdictOf({ block: WILDCARD, includesCredentials: true, otherwise: METHOD })).toBe(
    'blocked method_not_allowed',
  );
});

test('a ledger counts equal results together and reports the undecidable ones', () => {
  const ledger = new Ledger();
  ledger.note(experience());
  ledger.note(experience());
  ledger.note(experience({ otherwise: WILDCARD }));
  expect(ledger.exchanges).toBe(3);
  expect(ledger.undecidable).toBe(1);
  expect(ledger.rows().map(({ verdict, decisions }) => [verdict, decisions])).toEqual([
    ['allowed', 2],
    ['unknown', 1],
  ]);
});

test('every difference is found: too few, too many, and what only one side has', () => {
  const row = (reason: LedgerRow['reason'], decisions: number): LedgerRow => ({
    service: 'catalog',
    origin: 'https://shop.example',
    kind: 'actual',
    verdict: reason === '' ? 'allowed' : 'blocked',
    reason,
    decisions,
  });
  expect(compare([row('', 2)], [row('', 1), row('', 1)])).toEqual([]);
  const mismatches = compare(
    [row('', 2), row('acao_missing', 1), row('acac_not_true', 5)],
    [row('', 3), row('acao_invalid', 1), row('acac_not_true', 5)],
  );
  expect(mismatches.map(({ reason, experienced, recorded }) => [reason, experienced, recorded])).toEqual([
    ['', 2, 3],
    ['acao_missing', 1, 0],
    ['acao_invalid', 0, 1],
  ]);
});

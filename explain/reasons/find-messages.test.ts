import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findMessages } from './find-messages.ts';

interface Recorded {
  /** A named case of test/browser/named-cases.ts: `reason: how`. */
  readonly case: string;
  /** The messages of the console, in order. */
  readonly messages: readonly string[];
}

function recorded(name: string): Recorded[] {
  const text = readFileSync(new URL(`../../test/fixtures/console-messages/${name}`, import.meta.url), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Firefox checks Access-Control-Allow-Origin before the redirect; others do not. */
const OF_FIREFOX: Readonly<Record<string, string | undefined>> = {
  'preflight_redirect: it precedes the origin': 'acao_missing',
  'preflight_status_not_ok: a redirect to nowhere': 'preflight_redirect',
  // Firefox has no message for it.
  'redirect_url_has_credentials: a user and a password': undefined,
  'redirect_url_has_credentials: out of the own origin': undefined,
};

/** Safari checks the status of a preflight first, and has one message for several faults. */
const OF_WEBKIT: Readonly<Record<string, string>> = {
  'acao_missing: it precedes the status': 'preflight_status_not_ok',
  'preflight_redirect: within the origin': 'preflight_status_not_ok',
  'preflight_redirect: it precedes the origin': 'preflight_status_not_ok',
  'acao_invalid: a host name': 'acao_missing',
  'acao_invalid: an empty value': 'acao_missing',
  'acao_invalid: a pattern without a scheme': 'acao_missing',
  'acao_invalid: a preflight': 'acao_missing',
  'acao_mismatch: another origin': 'acao_missing',
  'acao_mismatch: a slash': 'acao_missing',
  'acao_mismatch: null': 'acao_missing',
  'acao_mismatch: a pattern': 'acao_missing',
  'acao_mismatch: a preflight': 'acao_missing',
  'acao_mismatch: the origin is null after a redirect': 'acao_missing',
  'acao_mismatch: PUT stays at another origin that allows the page': 'acao_missing',
  'acao_multiple: a preflight': 'acao_missing',
};

describe.each([
  ['chrome', 'chromium-156.jsonl', {}],
  ['firefox', 'firefox-153.jsonl', OF_FIREFOX],
  ['safari', 'webkit-2.50.jsonl', OF_WEBKIT],
] as const)("%s's message for a blocked request identifies its reason", (browser, file, others) => {
  const all = recorded(file);
  test.each(all.map((one) => [one.case, one.messages] as const))('%s', (name, messages) => {
    const [first] = findMessages(messages.join('\n'));
    const [reason = ''] = name.split(':');
    // Redirects and client hints fail in Safari only, because of a preflight.
    const usual = browser === 'safari' && isOfAnotherPreflight(name) ? 'preflight_status_not_ok' : reason;
    const expected = name in others ? (others as Readonly<Record<string, string | undefined>>)[name] : usual;
    expect(first?.reasons[0]).toBe(expected);
    // Whatever Chrome says is among what Safari's message may mean.
    if (browser === 'safari' && reason !== 'allowed') expect(first?.reasons).toContain(reason);
    if (first !== undefined)
      expect(first).toMatchObject({ browser, url: expect.stringMatching(/^(http|ftp):\/\//) });
  });
});

/** Its status is 404 or 403, which Safari checks first. */
function isOfAnotherPreflight(name: string): boolean {
  return /would fail|invalid value|unsafe byte|without a start|128 bytes|allows nobody/.test(name);
}

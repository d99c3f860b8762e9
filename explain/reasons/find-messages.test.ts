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

describe.each([
  ['chrome', 'chromium-156.jsonl', {}],
  ['firefox', 'firefox-153.jsonl', OF_FIREFOX],
] as const)("%s's message for a blocked request identifies its reason", (browser, file, others) => {
  const all = recorded(file);
  test.each(all.map((one) => [one.case, one.messages] as const))('%s', (name, messages) => {
    const [first] = findMessages(messages.join('\n'));
    const expected =
      name in others ? (others as Readonly<Record<string, string | undefined>>)[name] : name.split(':')[0];
    expect(first?.reasons[0]).toBe(expected);
    if (first !== undefined)
      expect(first).toMatchObject({ browser, url: expect.stringMatching(/^(http|ftp):\/\//) });
  });
});

import { describe, expect, test } from 'vitest';
import { BROWSERS } from '../../explain/browsers.ts';
import { CONSOLE_MESSAGES } from '../../explain/reasons/console-messages.ts';
import { findMessages } from '../../explain/reasons/find-messages.ts';
import { BLOCKED_REASONS } from '../../instrumentation/src/fetch-standard/decision.ts';
import { explainText } from './pasted-text-page.ts';

const FIREFOX =
  'Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at https://api.example/. (Reason: ';

describe('a console message', () => {
  test('of every template is found again, with what it names', () => {
    const values: Record<string, string> = {
      sender: 'fetch',
      url: 'https://api.example/a?b=1',
      origin: 'https://app.example',
      value: 'https://other.example',
      method: 'PUT',
      header: 'x-a',
      status: '403',
      location: 'https://u:p@third.example/',
    };
    for (const { text, browser, reasons } of CONSOLE_MESSAGES) {
      const filled = text.replace(/\{([a-z]+)\}/g, (_, name: string) => values[name] ?? '');
      const [found, ...more] = findMessages(`app.js:7 ${filled}`);
      expect(more, filled).toEqual([]);
      expect(found, filled).toMatchObject({ browser, url: text.includes('{url}') ? values.url : undefined });
      expect(found?.reasons[0], filled).toBe(reasons[0]);
      expect(found?.origin, filled).toBe(text.includes('{origin}') ? values.origin : undefined);
    }
  });

  test('of Chrome after a redirect names the last URL, and whether a preflight failed', () => {
    const text =
      "Access to XMLHttpRequest at 'https://third.example/x' (redirected from 'https://api.example/') from origin 'null' has been blocked by CORS policy: Response to preflight request doesn't pass access control check: The 'Access-Control-Allow-Origin' header has a value 'https://app.example' that is not equal to the supplied origin.";
    expect(findMessages(text)).toEqual([
      {
        browser: 'chrome',
        reasons: ['acao_mismatch'],
        ofPreflight: true,
        url: 'https://third.example/x',
        firstUrl: 'https://api.example/',
        origin: 'null',
        detail: 'https://app.example',
        isDetailKnown: true,
        status: undefined,
      },
    ]);
  });

  test('of Chrome with the advice that older versions gave', () => {
    const text =
      "Access to fetch at 'https://api.example/' from origin 'https://app.example' has been blocked by CORS policy: No 'Access-Control-Allow-Origin' header is present on the requested resource. If an opaque response serves your needs, set the request's mode to 'no-cors' to fetch the resource with CORS disabled.";
    expect(findMessages(text)).toMatchObject([{ reasons: ['acao_missing'], ofPreflight: false }]);
  });

  test('of Firefox is told apart by the value it shows', () => {
    const reasonOf = (value: string) =>
      findMessages(`${FIREFOX}CORS header ‘Access-Control-Allow-Origin’ does not match ‘${value}’).`)[0]
        ?.reasons;
    expect(reasonOf('https://other.example')).toEqual(['acao_mismatch']);
    expect(reasonOf('app.example')).toEqual(['acao_invalid']);
    expect(reasonOf('https://a.example, https://b.example')).toEqual(['acao_multiple']);
  });

  test('of Safari takes the URL from the line after it', () => {
    const text = [
      '[Error] Origin https://app.example is not allowed by Access-Control-Allow-Origin. Status code: 200',
      '[Error] Fetch API cannot load https://api.example/x due to access control checks.',
      '[Error] Failed to load resource: Origin https://app.example is not allowed by Access-Control-Allow-Origin. Status code: 200 (x, line 0)',
    ].join('\n');
    expect(explainText(text)).toMatchObject({
      kind: 'messages',
      messages: [
        {
          browser: 'safari',
          url: 'https://api.example/x',
          origin: 'https://app.example',
          reasons: ['acao_missing', 'acao_mismatch', 'acao_invalid', 'acao_multiple'],
          probe: 'originscope probe https://api.example/x --origin https://app.example',
        },
      ],
    });
  });

  test('that only follows from others, or says nothing, is not taken for a reason', () => {
    const follows = `${FIREFOX}CORS request did not succeed). Status code: (null).`;
    expect(explainText(follows)).toEqual({ kind: 'failure' });
    expect(
      explainText(
        `${FIREFOX}Did not find method in CORS header ‘Access-Control-Allow-Methods’).\n${follows}`,
      ),
    ).toMatchObject({
      messages: [{ reasons: ['method_not_allowed'] }],
    });
    expect(explainText('TypeError: Failed to fetch')).toEqual({ kind: 'failure' });
    expect(explainText('hello')).toEqual({ kind: 'nothing' });
  });

  test('is known of each reason to block, and of each browser', () => {
    const known = (browser: string) =>
      new Set(CONSOLE_MESSAGES.filter((one) => one.browser === browser).flatMap(({ reasons }) => reasons));
    // Firefox has no words of its own for this one.
    const without: Record<string, string[]> = { firefox: ['redirect_url_has_credentials'] };
    for (const browser of BROWSERS) {
      expect(BLOCKED_REASONS.filter((reason) => !known(browser).has(reason))).toEqual(without[browser] ?? []);
    }
  });
});

describe('a copied request becomes a probe', () => {
  const probeOf = (text: string) => {
    const explained = explainText(text);
    return explained.kind === 'request' ? explained.probe : explained.kind;
  };

  test('from cURL for sh: what the page set, and not what the browser added', () => {
    const text = `curl 'https://api.example/x?a=1&b=2' \\
  -X 'PUT' \\
  -H 'accept: */*' -H $'x-a: it\\'s \\u0041' -H 'content-type: application/json' \\
  -H 'origin: https://app.example' -H 'priority: u=1' -H 'sec-fetch-mode: cors' -H 'user-agent: x' -b 'a=1' \\
  --data-raw $'{"a":1}' --compressed`;
    expect(probeOf(text)).toBe(
      "originscope probe 'https://api.example/x?a=1&b=2' --origin https://app.example --method PUT -H 'x-a: it'\\''s A' -H 'content-type: application/json' --credentials",
    );
  });

  test('from cURL for cmd, with a body that makes it a POST', () => {
    const text =
      'curl ^"https://api.example/x?a=1^&b=2^" ^\n  -H ^"Referer: https://app.example/page^" ^\n  --data-raw ^"{^\\^"a^\\^":1}^"';
    expect(probeOf(text)).toBe(
      "originscope probe 'https://api.example/x?a=1&b=2' --origin https://app.example --method POST",
    );
  });

  test('from fetch, of Chrome and of Firefox', () => {
    const text = `await fetch("https://api.example/x", {
    "credentials": "include",
    "headers": { "User-Agent": "Mozilla", "X-A": "1", "Sec-Fetch-Mode": "cors" },
    "referrer": "https://app.example/page",
    "method": "DELETE",
    "mode": "cors"
});`;
    expect(probeOf(text)).toBe(
      "originscope probe https://api.example/x --origin https://app.example --method DELETE -H 'X-A: 1' --credentials",
    );
    expect(probeOf('fetch("https://api.example/x");')).toBe(
      'originscope probe https://api.example/x --origin ORIGIN',
    );
  });

  test('that a shell reads as it was meant, whatever the page put into it', () => {
    expect(probeOf(`fetch("https://api.example/$(id);'\`x\`")`)).toBe(
      "originscope probe 'https://api.example/$(id);'\\''`x`' --origin ORIGIN",
    );
  });
});

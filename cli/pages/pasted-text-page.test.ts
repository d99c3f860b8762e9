import { describe, expect, test } from 'vitest';
import { BROWSERS } from '../../explain/browsers.ts';
import { CONSOLE_MESSAGES } from '../../explain/reasons/console-messages.ts';
import { findMessages } from '../../explain/reasons/find-messages.ts';
import { BLOCKED_REASONS } from '../../instrumentation/src/fetch-standard/decision.ts';
import { explainText, renderText, verdictOfText } from './pasted-text-page.ts';

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

describe('a console message gets a line with what to change', () => {
  const changeFor = (text: string) => {
    const explained = explainText(text);
    if (explained.kind !== 'messages') throw new Error(`not understood: ${text}`);
    expect(renderText(explained, { color: false, width: 100 })).toContain('\n  change  ');
    return explained.messages[0]?.change;
  };
  const CHROME =
    "Access to fetch at 'https://api.example/' from origin 'https://app.example' has been blocked by CORS policy: ";

  test.each([
    [
      `${CHROME}No 'Access-Control-Allow-Origin' header is present on the requested resource.`,
      '"Access-Control-Allow-Origin: https://app.example"',
    ],
    [
      `${CHROME}Method PUT is not allowed by Access-Control-Allow-Methods in preflight response.`,
      '"Access-Control-Allow-Methods: GET, HEAD, POST, PUT"',
    ],
    [
      `${CHROME}Request header field x-a is not allowed by Access-Control-Allow-Headers in preflight response.`,
      '"Access-Control-Allow-Headers: x-a"',
    ],
    [
      `${CHROME}Cannot parse Access-Control-Allow-Methods response header field in preflight response.`,
      'The value is not a valid list of methods',
    ],
    [
      `${FIREFOX}CORS header ‘Access-Control-Allow-Origin’ missing). Status code: 502.`,
      'The response (502) has no CORS headers',
    ],
    [
      `${FIREFOX}expected ‘true’ in CORS header ‘Access-Control-Allow-Credentials’).`,
      'is absent or has another value',
    ],
    [
      `${FIREFOX}Did not find method in CORS header ‘Access-Control-Allow-Methods’).`,
      'Add the method of the request',
    ],
    [
      `${FIREFOX}CORS request external redirect not allowed).`,
      'Browsers do not follow a redirect of a preflight. ',
    ],
    ['Preflight response is not successful. Status code: 405', 'the status is 405'],
  ])('%s', (text, change) => {
    expect(changeFor(text)).toContain(change);
  });

  test('for Origin null after a redirect, does not advise to allow null', () => {
    const redirected =
      "Access to fetch at 'https://third.example/x' (redirected from 'https://api.example/') from origin 'https://app.example' has been blocked by CORS policy: No 'Access-Control-Allow-Origin' header is present on the requested resource.";
    expect(changeFor(redirected)).toContain('call the final URL');
  });

  test('does not show the status as if it were the failing value', () => {
    const explained = explainText(
      `${FIREFOX}CORS header ‘Access-Control-Allow-Origin’ missing). Status code: 200.`,
    );
    expect(renderText(explained, { color: false, width: 100 })).toContain(
      'why     acao_missing: no Access-Control-Allow-Origin\n',
    );
  });
});

describe('Firefox is understood in other languages', () => {
  const reasonOf = (text: string) =>
    findMessages(text).map(({ browser, reasons, url, detail }) => [browser, reasons[0], url, detail]);
  const URL_ASKED = 'https://api.example/x';

  test.each([
    [
      'German',
      `Quellübergreifende (Cross-Origin) Anfrage blockiert: … auf ${URL_ASKED}. (Grund: CORS-Kopfzeile 'Access-Control-Allow-Origin' fehlt). Statuscode: 200.`,
      'acao_missing',
      '',
    ],
    [
      'German',
      `Quellübergreifende (Cross-Origin) Anfrage blockiert: … auf ${URL_ASKED}. (Grund: Methode nicht in CORS-Kopfzeile 'Access-Control-Allow-Methods' gefunden).`,
      'method_not_allowed',
      '',
    ],
    [
      'French',
      `Blocage d’une requête multiorigine (Cross-Origin Request) : … ${URL_ASKED}. Raison : l’en-tête « x-a » n’est pas autorisé d’après l’en-tête « Access-Control-Allow-Headers » …`,
      'header_not_allowed',
      'x-a',
    ],
    [
      'French',
      `Blocage … ${URL_ASKED}. Raison : … si la valeur de l’en-tête CORS « Access-Control-Allow-Origin » est « * ».`,
      'acao_wildcard_with_credentials',
      '',
    ],
    [
      'Japanese',
      `クロスオリジン要求をブロックしました: … ${URL_ASKED} にある … (理由: CORS ヘッダー ‘Access-Control-Allow-Origin’ が ‘https://other.example’ と異なる)。`,
      'acao_mismatch',
      'https://other.example',
    ],
    [
      'Polish',
      `Zablokowano … z „${URL_ASKED}” (nieprawidłowy token „GET PUT” w nagłówku CORS „Access-Control-Allow-Methods”).`,
      'acam_malformed',
      'GET PUT',
    ],
    [
      'Chinese',
      `已拦截跨源请求：… ${URL_ASKED} …（原因：CORS 预检响应未能成功）。状态码：404。`,
      'preflight_status_not_ok',
      '404',
    ],
  ])('%s: %s', (_, text, reason, detail) => {
    expect(reasonOf(text)).toEqual([['firefox', reason, URL_ASKED, detail]]);
  });

  test('a message that names no header is a failure without a reason', () => {
    expect(
      explainText(
        `Quellübergreifende (Cross-Origin) Anfrage blockiert: … auf ${URL_ASKED}. (Grund: CORS-Anfrage schlug fehl). Statuscode: (null).`,
      ),
    ).toEqual({ kind: 'failure' });
  });
});

describe('a failure that is not CORS is recognised for what it is:', () => {
  test.each([
    [
      'content_security_policy',
      'https://api.example/x',
      'blocked',
      `Refused to connect to 'https://api.example/x' because it violates the following Content Security Policy directive: "connect-src 'self'".`,
    ],
    [
      'content_security_policy',
      'https://api.example/x',
      'blocked',
      `Connecting to 'https://api.example/x' violates the following Content Security Policy directive: "connect-src 'self'". The action has been blocked.`,
    ],
    [
      'content_security_policy',
      'https://api.example/x',
      'blocked',
      'Die Einstellungen der Seite haben das Laden einer Ressource (connect-src) auf https://api.example/x blockiert.',
    ],
    [
      'content_security_policy',
      'https://api.example/x',
      'blocked',
      'Refused to connect to https://api.example/x because it does not appear in the connect-src directive of the Content Security Policy.',
    ],
    [
      'mixed_content',
      'http://api.example/x',
      'blocked',
      "Mixed Content: The page at 'https://app.example/' was loaded over HTTPS, but requested an insecure resource 'http://api.example/x'. This request has been blocked; the content must be served over HTTPS.",
    ],
    [
      'mixed_content',
      'http://api.example/x',
      'blocked',
      'Blocked loading mixed active content “http://api.example/x”',
    ],
    [
      'network_failure',
      'https://api.example/x',
      'unknown',
      'GET https://api.example/x net::ERR_CONNECTION_REFUSED',
    ],
    [
      'local_network_access',
      'http://127.0.0.1:8080/',
      'blocked',
      "Access to fetch at 'http://127.0.0.1:8080/' from origin 'https://app.example' has been blocked by CORS policy: Permission was denied for this request to access the `loopback` address space.",
    ],
    [
      'local_network_access',
      'http://192.168.1.1/',
      'blocked',
      "Access to fetch at 'http://192.168.1.1/' from origin 'http://app.example' has been blocked by CORS policy: The request client is not a secure context and the resource is in more-private address space `private`.",
    ],
  ])('%s of %s', (failure, url, verdict, text) => {
    const explained = explainText(text);
    expect(explained).toMatchObject({
      kind: 'messages',
      messages: [],
      failures: [{ failure, url, verdict }],
    });
    expect(verdictOfText(explained)).toBe(verdict);
    expect(renderText(explained, { color: false, width: 100 })).toContain('  change  ');
  });

  test('ERR_FAILED only follows from another message', () => {
    expect(explainText('GET https://api.example/x net::ERR_FAILED 200 (OK)')).toEqual({ kind: 'failure' });
  });
});

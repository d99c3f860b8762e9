import { expect, test } from 'vitest';
import type { Browser } from '../../explain/browsers.ts';
import { explainRequest } from '../../explain/explanation.ts';
import type { RecordedRequest } from '../../explain/recordings/recorded-request.ts';
import { renderExplanation } from './explanation-page.ts';

/** A page's request of which the recorder kept no answer. */
function unanswered(method: string, url: string): string {
  const headers = [
    ['Origin', 'https://app.example'],
    ['Sec-Fetch-Mode', 'cors'],
    ['Sec-Fetch-Site', 'cross-site'],
  ] as const;
  const recorded: RecordedRequest = {
    exchanges: [{ request: { method, url, headers }, response: { status: 200, headers: undefined } }],
  };
  return renderExplanation(recorded, explainRequest(recorded), { color: false, width: 80 });
}

test('a suggested command is one line, so that no word of a stranger begins another', () => {
  const url = `https://api.example/${'orders/'.repeat(30)}`;
  expect(unanswered('reboot', url).split('\n')).toContain(
    `  ask     originscope probe ${url} --origin https://app.example --method reboot`,
  );
});

test('a method that is more than a word is quoted', () => {
  expect(unanswered("PUT; id '", 'https://api.example/')).toContain(`--method 'PUT; id '\\'''\n`);
});

test('a command that would be cut or changed to be shown is not shown', () => {
  const page = unanswered('PUT', `https://api.example/${'x'.repeat(70_000)}`);
  expect(page).toContain('  ask     (not shown: ');
  expect(page).not.toContain('originscope probe');
});

test('a redirect within the origin is described once, not in two pairs of parentheses', () => {
  const headers = [
    ['Origin', 'https://app.example'],
    ['Access-Control-Request-Method', 'PUT'],
  ] as const;
  const recorded: RecordedRequest = {
    credentials: 'omit',
    exchanges: [
      {
        request: { method: 'OPTIONS', url: 'https://api.example/orders', headers },
        response: { status: 301, headers: [['Location', '/orders/']] },
      },
    ],
  };
  const page = renderExplanation(recorded, explainRequest(recorded), { color: false, width: 120 });
  expect(page).toContain('preflight_redirect: preflight redirected (same origin)\n');
  expect(page).toContain('here to another URL of the same origin');
});

test('browsers that differ are named, with what they do and why', () => {
  const metadata = [
    ['Sec-Fetch-Mode', 'cors'],
    ['Sec-Fetch-Site', 'same-origin'],
  ] as const;
  const recorded: RecordedRequest = {
    credentials: 'default',
    exchanges: [
      {
        request: { method: 'GET', url: 'https://app.example/a', headers: metadata },
        response: { status: 302, headers: [['Location', 'https://u@app.example/b']] },
      },
    ],
  };
  const page = (browsers?: readonly Browser[]) =>
    renderExplanation(recorded, explainRequest(recorded, browsers), { color: false, width: 120 });
  expect(page()).toMatch(/^blocked {2}GET https:\/\/app\.example\/a {2}in Chrome\n/);
  expect(page()).toContain('  but     Firefox: allowed. Safari: allowed.');
  expect(page()).toContain('Chrome does not follow a redirect to a URL with a user name');
  expect(page(['safari'])).toMatch(/^allowed/);
  expect(page(['safari'])).not.toContain('  but ');
});

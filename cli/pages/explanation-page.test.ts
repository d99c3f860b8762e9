import { expect, test } from 'vitest';
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

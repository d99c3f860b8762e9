import { expect, test } from 'vitest';
import { explainRequest } from '../../explain/explanation.ts';
import { findMessages } from '../../explain/reasons/find-messages.ts';
import { REASON_EXAMPLES } from '../../explain/reasons/reason-examples.ts';
import { REASONS } from '../../instrumentation/src/fetch-standard/decision.ts';
import { reasonsDocument } from './reasons-document.ts';

test.each(REASONS)('the example of %s has that reason', (reason) => {
  expect(explainRequest(REASON_EXAMPLES[reason]).reason).toBe(reason);
});

test('docs/reasons.md says what the code says (after a change: npx vitest run --project unit this-file -u)', async () => {
  await expect(reasonsDocument()).toMatchFileSnapshot('../../docs/reasons.md');
});

test('every message in the document is understood when it is pasted', () => {
  const messages = reasonsDocument()
    .split('\n')
    .filter(
      (line) =>
        /^- (Chrome|Chrome, of a preflight|Firefox|Safari): /.test(line) &&
        !line.includes('did not succeed). Status code: (null)') &&
        !line.includes('Request Warning'),
    );
  expect(messages.length).toBeGreaterThan(35);
  for (const message of messages) expect(findMessages(message), message).toHaveLength(1);
});

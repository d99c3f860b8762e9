import { expect, test } from 'vitest';
import { attributesDocument } from './attributes-document.ts';

test('docs/reference/attributes.md says what the table says (after a change: npx vitest run --project unit this-file -u)', async () => {
  await expect(attributesDocument()).toMatchFileSnapshot('../../docs/reference/attributes.md');
});

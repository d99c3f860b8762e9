import { expect, test } from 'vitest';
import { variableOf } from '../settings/read-settings.ts';
import { SETTING_NAMES } from '../settings/table.ts';
import { settingsDocument } from './settings-document.ts';

test('docs/reference/settings.md says what the tables say (after a change: npx vitest run this-file -u)', async () => {
  await expect(await settingsDocument()).toMatchFileSnapshot('../../docs/reference/settings.md');
});

test('every setting is in it once, and some command reads it', async () => {
  const rows = (await settingsDocument()).split('\n').filter((line) => line.startsWith('| `--'));
  const variables = rows.map((line) => /`(ORIGINSCOPE_\w+)`/.exec(line)?.[1]);
  expect(variables.sort()).toEqual(SETTING_NAMES.map(variableOf).sort());
  for (const line of rows) expect(line).toMatch(/`[a-z-]+( [a-z-]+)?` +\|$/);
});

import type { Command } from 'commander';
import { addSettings, givenValues, readSettings, shown } from './settings/read-settings.ts';
import { SETTING_NAMES } from './settings/table.ts';

export function config(command: Command): Command {
  command.option('--json', 'print JSON');
  return addSettings(command, SETTING_NAMES).action(({ json, ...flags }: { json?: boolean }) => {
    readSettings(flags, process.env);
    const given = givenValues(flags, process.env);
    if (json) {
      const values = SETTING_NAMES.map((name) => {
        const { value = null, source } = given[name];
        return [name, { value: value === null ? null : JSON.parse(shown(name, value)), source }];
      });
      console.log(JSON.stringify(Object.fromEntries(values), null, 2));
      return;
    }
    const width = Math.max(...SETTING_NAMES.map((name) => name.length));
    for (const name of SETTING_NAMES) {
      const { value, source } = given[name];
      const where = source === 'the default' ? '' : `  (${source})`;
      console.log(`${name.padEnd(width)}  ${value === undefined ? '–' : shown(name, value)}${where}`);
    }
  });
}

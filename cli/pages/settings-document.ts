import { Command } from 'commander';
import { COMMAND_NAMES } from '../command-names.ts';
import { COMMANDS } from '../commands.ts';
import { ALERTING } from '../settings/alerting.ts';
import { CLICKHOUSE, EMBEDDED } from '../settings/clickhouse.ts';
import { DERIVATION } from '../settings/derivation.ts';
import { KAFKA, KAFKA_CLIENT, TOPICS } from '../settings/kafka.ts';
import { NETWORK } from '../settings/network.ts';
import { variableOf } from '../settings/read-settings.ts';
import { RETENTION } from '../settings/retention.ts';
import type { Setting, SettingGroup } from '../settings/setting.ts';
import type { SettingName } from '../settings/table.ts';
import { markdownTable } from './markdown-table.ts';

const GROUPS: readonly { readonly title: string; readonly group: SettingGroup }[] = [
  { title: 'Embedded database', group: EMBEDDED },
  { title: 'Listening and authentication', group: NETWORK },
  { title: 'Decisions from HTTP spans', group: DERIVATION },
  { title: 'Retention', group: RETENTION },
  { title: 'ClickHouse server', group: CLICKHOUSE },
  { title: 'Kafka brokers', group: KAFKA },
  { title: 'Topics', group: TOPICS },
  { title: 'Reading and writing a topic', group: KAFKA_CLIENT },
  { title: 'Alerting', group: ALERTING },
];

/** docs/reference/settings.md, made of the table of settings and of the commands that read them. */
export async function settingsDocument(): Promise<string> {
  const readers = await commandsByFlag();
  const sections = GROUPS.map(({ title, group }) => {
    const rows = Object.entries(group).map(([name, setting]) => row(name as SettingName, setting, readers));
    return `## ${title}\n\n${markdownTable(['flag', 'variable', 'default', 'meaning', 'commands'], rows)}`;
  });
  return `${[INTRODUCTION, ...sections].join('\n\n')}\n`;
}

const INTRODUCTION = `# Settings

Flags take precedence over the environment, the environment over the file of \`--config FILE\` (or \`ORIGINSCOPE_CONFIG\`): JSON with the names of the flags in camel case, \`{"keepRaw": 72}\`. An unknown setting and an invalid value are errors. \`originscope config\` prints the effective settings and where each value comes from, without secrets.

The variable of a secret with \`_FILE\` behind it names a file that holds the secret. Secrets are marked with ★.

The settings of the instrumentation in services are [options of the package](../../instrumentation/README.md#options).`;

function row(name: SettingName, setting: Setting, readers: ReadonlyMap<string, readonly string[]>): string[] {
  return [
    `\`${setting.flag}\`${setting.secret ? ' ★' : ''}`,
    `\`${variableOf(name)}\``,
    setting.default === undefined ? '–' : `\`${setting.default}\``,
    setting.description,
    (readers.get(setting.flag) ?? []).map((command) => `\`${command}\``).join(', '),
  ];
}

/** Which commands have a flag, themselves or in one of their sub-commands. */
async function commandsByFlag(): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for (const name of COMMAND_NAMES) {
    // It prints all of them.
    if (name === 'config') continue;
    const command = await COMMANDS[name].define(new Command(name));
    const options = [command, ...command.commands].flatMap((each) => each.options);
    for (const flag of new Set(options.map(({ flags }) => flags))) {
      found.set(flag, [...(found.get(flag) ?? []), name]);
    }
  }
  return found;
}

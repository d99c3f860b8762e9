import { userInfo } from 'node:os';
import { Command } from 'commander';
import { readIncidents } from '../analyzer/incidents/incident-store.ts';
import type { IncidentVerdict } from '../analyzer/incidents/incident-verdict.ts';
import { askRunningOrHere } from './database.ts';
import { renderIncident, renderIncidents } from './pages/incident-page.ts';
import { pageOptions } from './pages/terminal.ts';
import {
  askForIncident,
  askForIncidents,
  askToGiveVerdict,
  giveVerdict,
  requireIncident,
} from './running-process.ts';
import { DATABASE_SETTINGS } from './settings/clickhouse.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import { parseTime } from './time.ts';

export function incidents(command: Command): Command {
  return command
    .addCommand(list())
    .addCommand(show())
    .addCommand(verdict('accept', 'the new normal; it becomes part of the baselines'))
    .addCommand(verdict('dismiss', 'a false alarm'));
}

interface Flags extends Record<string, unknown> {
  readonly json?: boolean;
}

function list(): Command {
  const now = Date.now();
  const time = (text: string): number => parseTime(text, now);
  const command = new Command('list')
    .description('incidents, the newest first')
    .option('--since <time>', 'detected since: RFC 3339, or a duration before now (2h)', time, time('7d'))
    .option('--json', 'print JSON');
  command.options[0]?.default(time('7d'), '7d');
  return addSettings(command, DATABASE_SETTINGS).action(
    async ({ since, json, ...flags }: Flags & { since: number }) => {
      const found = await askRunningOrHere(readSettings(flags, process.env), 'incidents', {
        running: (control) => askForIncidents(control, since),
        here: ({ reading }) => readIncidents(reading, since),
      });
      if (json) console.log(JSON.stringify(found, null, 2));
      else process.stdout.write(renderIncidents(found, pageOptions(process.stdout)));
    },
  );
}

function show(): Command {
  const command = new Command('show')
    .description('one incident')
    .argument('<id>', 'id of the incident, or the beginning of it')
    .option('--json', 'print JSON');
  return addSettings(command, DATABASE_SETTINGS).action(async (id: string, { json, ...flags }: Flags) => {
    const found = await askRunningOrHere(readSettings(flags, process.env), 'incidents', {
      running: (control) => askForIncident(control, id),
      here: ({ reading }) => requireIncident(reading, id),
    });
    if (json) console.log(JSON.stringify(found, null, 2));
    else process.stdout.write(renderIncident(found, pageOptions(process.stdout)));
  });
}

function verdict(action: IncidentVerdict['action'], meaning: string): Command {
  const command = new Command(action)
    .description(`say that an incident is ${meaning}`)
    .argument('<id>', 'id of the incident, or the beginning of it')
    .requiredOption('--why <reason>', 'reason, kept with the incident')
    .option('--who <name>', 'name of the person; default: the user of this process');
  return addSettings(command, DATABASE_SETTINGS).action(
    async (
      id: string,
      { why, who = userInfo().username, ...flags }: Flags & { why: string; who?: string },
    ) => {
      const said = { action, who, why, at: Date.now() };
      const incident = await askRunningOrHere(readSettings(flags, process.env), 'incidents', {
        running: (control) => askToGiveVerdict(control, { id, ...said }),
        here: (clickhouse) => giveVerdict(clickhouse, { id, ...said }),
      });
      console.log(
        `${incident}: ${action === 'accept' ? 'accepted' : 'dismissed'}; the analyzer applies it within a minute.`,
      );
    },
  );
}

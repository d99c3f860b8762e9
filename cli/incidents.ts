import { userInfo } from 'node:os';
import { Command } from 'commander';
import { readIncident, readIncidents, saveVerdict } from '../analyzer/incidents/incident-store.ts';
import type { Verdict } from '../analyzer/incidents/verdict.ts';
import type { ClickHouse } from '../clickhouse/connection.ts';
import { requireSchema } from '../clickhouse/migrations.ts';
import { OriginscopeError } from '../core/errors.ts';
import { DATABASE_SETTINGS, openDatabase } from './database.ts';
import { renderIncident, renderIncidents } from './pages/incident-page.ts';
import { pageOptions } from './pages/terminal.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import { parseTime } from './time.ts';

export function incidents(): Command {
  return new Command('incidents')
    .description('what the analyzer found: list, show, accept, dismiss')
    .addCommand(list())
    .addCommand(show())
    .addCommand(verdict('accept', 'the new normal: it enters the baselines'))
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
    .option('--since <time>', 'detected from: RFC 3339 or a span before now', time, time('7d'))
    .option('--json', 'all of them, for a machine');
  command.options[0]?.default(time('7d'), '7d');
  return addSettings(command, DATABASE_SETTINGS).action(
    async ({ since, json, ...flags }: Flags & { since: number }) => {
      const found = await inDatabase(flags, ({ reading }) => readIncidents(reading, since));
      if (json) console.log(JSON.stringify(found, null, 2));
      else process.stdout.write(renderIncidents(found, pageOptions(process.stdout)));
    },
  );
}

function show(): Command {
  const command = new Command('show')
    .description('one incident')
    .argument('<id>', 'its id, or the beginning of it')
    .option('--json', 'for a machine');
  return addSettings(command, DATABASE_SETTINGS).action(async (id: string, { json, ...flags }: Flags) => {
    const found = await inDatabase(flags, (clickhouse) => requireIncident(clickhouse, id));
    if (json) console.log(JSON.stringify(found, null, 2));
    else process.stdout.write(renderIncident(found, pageOptions(process.stdout)));
  });
}

function verdict(action: Verdict['action'], meaning: string): Command {
  const command = new Command(action)
    .description(`say that an incident is ${meaning}`)
    .argument('<id>', 'its id, or the beginning of it')
    .requiredOption('--why <reason>', 'why, for those who read it later')
    .option('--who <name>', 'who says so; default: the user of this process');
  return addSettings(command, DATABASE_SETTINGS).action(
    async (
      id: string,
      { why, who = userInfo().username, ...flags }: Flags & { why: string; who?: string },
    ) => {
      await inDatabase(flags, async (clickhouse) => {
        const { id: incident } = await requireIncident(clickhouse, id);
        await saveVerdict(clickhouse.writing, { incident, action, who, why, at: Date.now() });
        console.log(
          `${incident}: ${action === 'accept' ? 'accepted' : 'dismissed'}; the analyzer takes it up within a minute.`,
        );
      });
    },
  );
}

async function inDatabase<Result>(
  flags: Record<string, unknown>,
  work: (clickhouse: ClickHouse) => Promise<Result>,
): Promise<Result> {
  const clickhouse = await openDatabase(readSettings(flags, process.env), 'incidents', {
    createDatabase: false,
  });
  try {
    await requireSchema(clickhouse.reading, clickhouse);
    return await work(clickhouse);
  } finally {
    await clickhouse.close();
  }
}

async function requireIncident({ reading }: ClickHouse, id: string) {
  const found = await readIncident(reading, id);
  if (found !== undefined) return found;
  throw new OriginscopeError(
    'INCIDENT_UNKNOWN',
    `There is no incident ${JSON.stringify(id)}, or more than one begins so`,
    {
      remedy: 'See "originscope incidents list" for the ids.',
    },
  );
}

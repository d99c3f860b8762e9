import type { Command } from 'commander';
import type { Verification } from '../collector/verify/verification.ts';
import { verify as verifyDatabase } from '../collector/verify/verify.ts';
import { askRunningOrHere } from './database.ts';
import { createProgress } from './pages/progress.ts';
import { pageOptions } from './pages/terminal.ts';
import { renderVerification } from './pages/verify-page.ts';
import { askToVerify } from './running-process.ts';
import { DATABASE_SETTINGS } from './settings/clickhouse.ts';
import { addSettings, readSettings } from './settings/read-settings.ts';
import type { Settings } from './settings/table.ts';

export function verify(command: Command): Command {
  command.option('--json', 'print JSON');
  return addSettings(command, DATABASE_SETTINGS).action(
    async ({ json, ...flags }: Record<string, unknown> & { json?: boolean }) => {
      const verification = await verifyPlace(readSettings(flags, process.env));
      if (json) console.log(JSON.stringify(verification, null, 2));
      else process.stdout.write(renderVerification(verification, pageOptions(process.stdout)));
      if (!verification.ok) process.exitCode = 1;
    },
  );
}

/** Done by the running process that holds the directory, or else here. */
async function verifyPlace(settings: Settings): Promise<Verification> {
  const progress = createProgress();
  const onProgress = progress.show;
  try {
    return await askRunningOrHere(settings, 'verify', {
      running: (control) => askToVerify(control, onProgress),
      here: ({ reading, dialect }) => verifyDatabase(reading, { now: Date.now(), dialect, onProgress }),
    });
  } finally {
    progress.clear();
  }
}

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * The executable of a major version of Node: this process's or the machine's own, else one from the registry.
 *
 * @param install installs packages into a directory with npm
 */
export async function findNode(
  major: '20' | '22' | '24',
  directory: string,
  install: (directory: string, ...packages: readonly string[]) => Promise<void>,
): Promise<string> {
  for (const path of [process.execPath, '/usr/bin/node', '/usr/local/bin/node']) {
    const version = await run(path, ['--version']).catch(() => undefined);
    if (version?.stdout.startsWith(`v${major}.`)) return path;
  }
  const name = `node-${process.platform}-${process.arch}`;
  await install(directory, `${name}@${major}`);
  return join(directory, 'node_modules', name, 'bin', 'node');
}

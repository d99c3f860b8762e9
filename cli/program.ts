import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { shellCommand } from '../core/shell-command.ts';

/** How this process was started. */
export interface Start {
  /** The script, absolute. */
  readonly script: string;
  /** The executable of Node. */
  readonly node: string;
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The package managers that run programs of packages, by their names in `npm_config_user_agent`. */
const RUNNERS: Readonly<Record<string, { readonly installed: string; readonly fetched: string }>> = {
  npm: { installed: 'npx originscope', fetched: 'npx originscope' },
  pnpm: { installed: 'pnpm exec originscope', fetched: 'pnpm dlx originscope' },
  yarn: { installed: 'yarn originscope', fetched: 'yarn dlx originscope' },
  bun: { installed: 'bunx originscope', fetched: 'bunx originscope' },
};

/** A script that a package manager fetched for one run (`pnpm dlx`, `yarn dlx`). */
const FETCHED = /[\\/](?:dlx-|dlx[\\/])/;

/**
 * The beginning of a shell command that starts this program again, in the way in which it was started: by a package
 * manager (`npx`, `npm start`), by its name, or by Node and its path, as in a container.
 */
export function programOf(start: Start): string {
  const { environment, script, node, workingDirectory } = start;
  const runner = RUNNERS[environment.npm_config_user_agent?.split('/')[0] ?? ''];
  if (runner !== undefined) {
    const command = FETCHED.test(script) ? runner.fetched : runner.installed;
    // `npm start` runs in the folder of the package, wherever the shell is.
    const shell = environment.INIT_CWD ?? workingDirectory;
    return shell === workingDirectory ? command : `${shellCommand(['cd', workingDirectory])} && ${command}`;
  }
  if (isOnPath('originscope', script, start)) return 'originscope';
  const inside = relative(workingDirectory, script);
  const path = inside.startsWith('..') ? script : inside;
  return shellCommand([isOnPath('node', node, start) ? 'node' : node, path]);
}

/** Whether a shell that is given the name runs this file. */
function isOnPath(name: string, file: string, { environment }: Start): boolean {
  const found = (environment.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
  return found !== undefined && realpathSync(found) === realpathSync(file);
}

/**
 * The command that installs the instrumentation into a service: from the registry, as this program was, or from the
 * clone that this program runs in.
 *
 * @param directory the folder of this file
 */
export function instrumentationInstall(directory: string): string {
  const clone = join(dirname(directory), 'instrumentation');
  const packages = existsSync(join(clone, 'package.json'))
    ? ['--install-links', clone]
    : ['@originscope/instrumentation-cors'];
  return shellCommand(['npm', 'install', ...packages, '@opentelemetry/api']);
}

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');

/** What `npm pack` says of a package. */
export interface Packed {
  readonly filename: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

export async function buildBoth(): Promise<void> {
  await run('npm', ['run', 'build', '--workspace', 'instrumentation'], { cwd: ROOT });
  await run('npm', ['run', 'build'], { cwd: ROOT });
}

/** @param folder of a package that is built */
export async function pack(folder: string, destination: string): Promise<Packed> {
  const options = ['pack', '--json', '--ignore-scripts', '--pack-destination', destination];
  const { stdout } = await run('npm', options, { cwd: folder });
  return JSON.parse(stdout)[0];
}

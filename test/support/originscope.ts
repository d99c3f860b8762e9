import { execFile } from 'node:child_process';

const BIN = new URL('../../cli/bin.ts', import.meta.url).pathname;

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line to its end, as people do. */
export function runOriginscope(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [BIN, ...args],
      { env: { PATH: process.env.PATH, ...env } },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

/** As `runOriginscope`, for what has to succeed. @throws Error with what it said */
export async function mustRunOriginscope(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { code, stderr } = await runOriginscope(args, env);
  if (code !== 0) throw new Error(`originscope ${args.join(' ')} ended with ${code}: ${stderr}`);
}

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** As pom.xml pins it. */
export const KAFKA_VERSION = '4.3.0';

const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'originscope');
const JARS = join(CACHE, `kafka-${KAFKA_VERSION}`);
const POM = new URL('pom.xml', import.meta.url).pathname;

/** Why no broker can run on this machine, as one sentence; undefined when one can. */
export function whyNoKafka(): string | undefined {
  const missing = [
    ...(answers('java', '-version') ? [] : ['Java 17 (openjdk-17-jre-headless)']),
    ...(existsSync(JARS) || answers('mvn', '-v') ? [] : ['Maven (maven)']),
  ];
  return missing.length === 0
    ? undefined
    : `Kafka's broker needs ${missing.join(' and ')}: apt-get install it`;
}

function answers(command: string, argument: string): boolean {
  try {
    execFileSync(command, [argument], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The class path of the broker; its jars are fetched once for this user and kept. */
export async function kafkaClassPath(): Promise<string> {
  if (!existsSync(JARS)) await fetchJars();
  return join(JARS, '*');
}

/** Into a directory of its own that gets its name when it is complete: two at once do no harm. */
async function fetchJars(): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const directory = await mkdtemp(join(CACHE, 'fetching-'));
  try {
    await run('mvn', [
      ...['-q', '-B', '-f', POM, 'dependency:copy-dependencies'],
      ...[`-DoutputDirectory=${directory}`, '-DincludeScope=runtime'],
    ]);
    await rename(directory, JARS);
  } catch (error) {
    if (!existsSync(JARS)) throw error;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * Runs a program to its end.
 *
 * @throws Error with what it printed, when it fails
 */
export async function run(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${output}`);
  return output;
}

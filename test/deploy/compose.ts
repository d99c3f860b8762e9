import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** docker-compose.yml as an engine would interpret it, as far as this file needs it. */

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const COMPOSE_FILE = join(ROOT, 'docker-compose.yml');

export interface Service {
  readonly image: string;
  readonly build?: string | { readonly context: string; readonly target: string };
  readonly pull_policy?: string;
  readonly profiles?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly tmpfs?: readonly string[];
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly logging?: { readonly driver: string; readonly options: Readonly<Record<string, string>> };
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly cpus?: number;
  readonly mem_limit?: string;
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

/** The names in .env.example, which have no values there. */
export function exampleVariables(): string[] {
  const text = readFileSync(join(ROOT, '.env.example'), 'utf8');
  return text.split('\n').flatMap((line) => /^(\w+)=$/.exec(line)?.[1] ?? []);
}

/**
 * The file with the variables filled in.
 *
 * @throws Error for a `${NAME:?…}` without a value
 */
export function readCompose(variables: Readonly<Record<string, string>>): Compose {
  return interpolate(parse(readFileSync(COMPOSE_FILE, 'utf8'), { merge: true }), (name, rest) => {
    const value = variables[name];
    if (value) return value;
    if (rest === undefined || rest.startsWith(':?')) throw new Error(`${name} has no value`);
    return rest.slice(':-'.length);
  }) as Compose;
}

/** Every use of a variable: its name, and what follows it in the braces; undefined without braces. */
export function variableUses(): [name: string, rest: string | undefined][] {
  const uses: [string, string | undefined][] = [];
  interpolate(parse(readFileSync(COMPOSE_FILE, 'utf8'), { merge: true }), (name, rest) => {
    uses.push([name, rest]);
    return '';
  });
  return uses;
}

function interpolate(value: unknown, fill: (name: string, rest: string | undefined) => string): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(
      /\$(?:(\$)|(\w+)|\{(\w+)([^}]*)\})/g,
      (_, dollar?: string, bare?: string, braced?: string, rest?: string) =>
        dollar ?? (bare !== undefined ? fill(bare, undefined) : fill(braced ?? '', rest ?? '')),
    );
  }
  if (Array.isArray(value)) return value.map((item) => interpolate(item, fill));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, interpolate(item, fill)] as const),
  );
}

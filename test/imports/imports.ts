import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseSync } from 'oxc-parser';

export const ROOT = join(import.meta.dirname, '../..');

/** Which files of the project a source file imports, types included; paths from the project's folder. */
export type Imports = ReadonlyMap<string, readonly string[]>;

/** @param folders whose sources are read, tests aside */
export function readImports(folders: readonly string[]): Imports {
  return new Map(folders.flatMap(sourcesIn).map((path) => [path, importsOf(path)]));
}

function sourcesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(
      (path) => /\.ts$/.test(path) && !/(\.test|\.d)\.ts$/.test(path) && !/node_modules|dist/.test(path),
    )
    .map((path) => join(folder, path));
}

function importsOf(path: string): string[] {
  const { module, errors } = parseSync(path, readFileSync(join(ROOT, path), 'utf8'));
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`);
  const source = readFileSync(join(ROOT, path), 'utf8');
  const specifiers = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) => entries.map((entry) => entry.moduleRequest?.value)),
    ...module.dynamicImports.map(({ moduleRequest }) =>
      source.slice(moduleRequest.start + 1, moduleRequest.end - 1),
    ),
  ];
  return [...new Set(specifiers)]
    .filter((specifier) => specifier?.startsWith('.'))
    .map((specifier) => relative(ROOT, join(ROOT, dirname(path), specifier as string)));
}

/** Groups of files that import one another, directly or by way of others (Tarjan's strongly connected components). */
export function cyclesIn(imports: Imports): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const cycles: string[][] = [];
  const visit = (path: string): void => {
    index.set(path, index.size);
    low.set(path, index.get(path) as number);
    stack.push(path);
    for (const target of imports.get(path) ?? []) {
      if (!imports.has(target)) continue;
      if (!index.has(target)) visit(target);
      if (stack.includes(target)) low.set(path, Math.min(low.get(path) as number, low.get(target) as number));
    }
    if (low.get(path) !== index.get(path)) return;
    const component = stack.splice(stack.indexOf(path));
    if (component.length > 1) cycles.push(component);
  };
  for (const path of imports.keys()) if (!index.has(path)) visit(path);
  return cycles;
}

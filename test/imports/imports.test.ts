import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cyclesIn, ROOT, readImports } from './imports.ts';

/** From the top down: a folder may import what stands below it, and itself. */
const LAYERS = [
  ['cli'],
  ['examples'],
  ['dashboards'],
  // These two never import each other: cli/up.ts joins them.
  ['analyzer', 'collector'],
  ['policy'],
  ['server'],
  ['reports'],
  ['explain'],
  ['clickhouse'],
  ['core'],
  // Its vocabulary (attributes, decision, fetch-standard) is everybody's.
  ['instrumentation'],
];

/** The same inside the collector. */
const COLLECTOR_LAYERS = [
  ['kafka/producing', 'kafka/consuming', 'kafka/admin'],
  ['kafka/dead-letters'],
  ['kafka/client'],
  ['verify'],
  ['publication'],
  ['otlp'],
  ['derivation', 'ingest'],
];

/** The same inside the analyzer. */
const ANALYZER_LAYERS = [['alerting'], ['incidents'], ['detectors'], ['history'], ['statistics'], ['input']];

const FOLDERS = LAYERS.flat().filter((folder) => existsSync(join(ROOT, folder)));
const imports = readImports(FOLDERS);

function arrowsUp(layers: readonly (readonly string[])[], base = ''): string[] {
  const placeOf = (path: string) => {
    const layer = layers.findIndex((folders) =>
      folders.some((folder) => path.startsWith(`${base}${folder}/`)),
    );
    const folder = layers[layer]?.find((each) => path.startsWith(`${base}${each}/`));
    return { layer, folder };
  };
  return [...imports].flatMap(([path, targets]) => {
    const from = placeOf(path);
    return targets
      .filter((target) => {
        const to = placeOf(target);
        if (from.layer < 0 || to.layer < 0 || from.folder === to.folder) return false;
        return to.layer <= from.layer;
      })
      .map((target) => `${path} → ${target}`);
  });
}

describe('imports', () => {
  test('are read, also the dynamic ones and those of types', () => {
    expect(imports.get('cli/commands.ts')).toContain('cli/up.ts');
    expect(imports.get('clickhouse/connector.ts')).toContain('clickhouse/rows.ts');
  });

  test('of every folder are read: a new one gets a place in the layers', () => {
    const folders = readdirSync(ROOT, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !/^\.|^(node_modules|dist|docs|test)$/.test(entry.name))
      .map(({ name }) => name);
    expect(folders.filter((folder) => !LAYERS.flat().includes(folder))).toEqual([]);
  });

  test('point down from folder to folder', () => {
    expect(arrowsUp(LAYERS)).toEqual([]);
  });

  test('of the collector point down, too', () => {
    expect(arrowsUp(COLLECTOR_LAYERS, 'collector/')).toEqual([]);
  });

  test('of the analyzer point down, too', () => {
    expect(arrowsUp(ANALYZER_LAYERS, 'analyzer/')).toEqual([]);
  });

  test('of the product never lead into tests', () => {
    const intoTests = [...imports].flatMap(([path, targets]) =>
      targets.filter((target) => target.startsWith('test/')).map((target) => `${path} → ${target}`),
    );
    expect(intoTests).toEqual([]);
  });

  test('of the instrumentation never leave it', () => {
    const leaving = [...imports]
      .filter(([path]) => path.startsWith('instrumentation/'))
      .flatMap(([path, targets]) =>
        targets
          .filter((target) => !target.startsWith('instrumentation/'))
          .map((target) => `${path} → ${target}`),
      );
    expect(leaving).toEqual([]);
  });

  test('have no cycles', () => {
    expect(cyclesIn(imports)).toEqual([]);
  });
});

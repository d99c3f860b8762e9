import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Registry } from './registry.ts';

/** A way to install packages into a project, and to run what was installed. */
export interface Layout {
  /** Settings of the package manager, by file. */
  readonly files: (registry: Registry) => Readonly<Record<string, string>>;
  readonly install: readonly string[];
  /** Starts a program of an installed package. */
  readonly runner: readonly string[];
}

const npmrc = ({ npmrc }: Registry) => ({ '.npmrc': npmrc });

export const LAYOUTS = {
  npm: { files: npmrc, install: ['npm', 'install'], runner: ['npx'] },
  'npm, linked': {
    files: npmrc,
    install: ['npm', 'install', '--install-strategy=linked'],
    runner: ['npx'],
  },
  pnpm: {
    files: ({ npmrc }) => ({
      '.npmrc': npmrc,
      'pnpm-workspace.yaml': 'minimumReleaseAge: 0\nstrictDepBuilds: false\nstoreDir: ./store\n',
    }),
    install: ['pnpm', 'add'],
    runner: ['pnpm', 'exec'],
  },
  'Yarn, isolated': {
    files: ({ url }) => ({
      '.yarnrc.yml': `npmRegistryServer: '${url}'\nunsafeHttpWhitelist: ['127.0.0.1']\nnodeLinker: pnpm\nnpmMinimalAgeGate: 0\nenableGlobalCache: false\nenableTelemetry: false\n`,
      'yarn.lock': '',
    }),
    install: ['yarn', 'add'],
    runner: ['yarn'],
  },
} as const satisfies Record<string, Layout>;

/** Makes an empty directory a project of this layout. */
export async function beginProject(project: string, layout: Layout, registry: Registry): Promise<void> {
  await writeFile(join(project, 'package.json'), '{ "name": "project", "private": true }');
  for (const [file, text] of Object.entries(layout.files(registry)))
    await writeFile(join(project, file), text);
}

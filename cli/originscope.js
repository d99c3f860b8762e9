#!/usr/bin/env node
// The program `originscope`: built JavaScript in the package, the TypeScript sources in a clone.
import { existsSync } from 'node:fs';
import { exit, features, versions } from 'node:process';

const built = new URL('../dist/cli/bin.js', import.meta.url);
const sources = new URL('./bin.ts', import.meta.url);

if (!existsSync(sources)) {
  await import(built.href);
} else if (features.typescript) {
  await import(sources.href);
} else {
  console.error(
    `originscope: a clone runs its TypeScript sources, which Node ${versions.node} cannot.\n  Run "npm ci" once, then "npx originscope": both bring the Node that is needed.`,
  );
  exit(1);
}

/** Builds the package into `dist`: ECMAScript modules and CommonJS, each with its types. */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const dist = join(here, 'dist');

rmSync(dist, { recursive: true, force: true });
for (const project of ['tsconfig.build.json', 'tsconfig.build-cjs.json']) {
  execFileSync('tsc', ['--project', join(here, project)], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
}
// The package is of type "module"; this folder is not.
writeFileSync(join(dist, 'cjs', 'package.json'), '{ "type": "commonjs" }\n');

import { createRequire } from 'node:module';

// By the name of the package: a built file lies deeper in it than its source.
const metadata = createRequire(import.meta.url)('originscope/package.json') as { readonly version: string };

/** The version of Originscope. */
export const VERSION = metadata.version;

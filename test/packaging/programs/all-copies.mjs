// The same service with every copy of the package at work that there can be.
import { createRequire } from 'node:module';
import { CorsInstrumentation } from '@originscope/instrumentation-cors';

const require = createRequire(import.meta.url);
require('@originscope/instrumentation-cors/register');
new (require('@originscope/instrumentation-cors').CorsInstrumentation)();
new CorsInstrumentation();
await import('./server.mjs');

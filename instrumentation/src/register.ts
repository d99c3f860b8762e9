/**
 * Observes this thread without code changes: `node --import @originscope/instrumentation-cors/register
 * app.js`. Options come from the environment. An invalid one is reported as a warning, and the application
 * runs without the instrumentation.
 */
import { CorsInstrumentation } from './instrumentation.ts';
import { showWarnings } from './log.ts';

showWarnings();
try {
  new CorsInstrumentation();
} catch (error) {
  process.emitWarning(`CORS decisions are not observed. ${error instanceof Error ? error.message : error}`, {
    code: 'ORIGINSCOPE_NOT_REGISTERED',
  });
}

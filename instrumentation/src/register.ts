/**
 * Observes this thread without a line of code: `node --import @originscope/instrumentation-cors/register app.js`.
 * Options come from the environment. One that is wrong is told as a warning, and the application runs without.
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

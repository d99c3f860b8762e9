import { writeSync } from 'node:fs';
import { diag } from '@opentelemetry/api';

let areWarningsShown = false;
let isExiting = false;

/**
 * Shows warnings and errors as process warnings, too: without a line of code in the application nobody has set
 * a diagnostic logger, and a loss that nobody hears of is a silent one.
 */
export function showWarnings(): void {
  areWarningsShown = true;
}

/** From now on warnings are written at once: process warnings come a turn later, and there is none any more. */
export function writeWarningsAtOnce(): void {
  isExiting = true;
}

/** Writes to OpenTelemetry's diagnostic log. The logger is the application's own: it must not break us. */
export function log(level: 'info' | 'warn' | 'error', message: string, error?: unknown): void {
  const text = `@originscope/instrumentation-cors: ${message}`;
  try {
    if (error === undefined) diag[level](text);
    else diag[level](text, error);
    if (areWarningsShown && level !== 'info') {
      showWarning(error instanceof Error ? `${text}: ${error.message}` : text);
    }
  } catch {
    // A logger that throws: there is nobody left to tell.
  }
}

function showWarning(text: string): void {
  if (!isExiting) process.emitWarning(text, 'OriginscopeWarning');
  // Without this listener of Node's own warnings are switched off (`--no-warnings`).
  else if (process.listenerCount('warning') > 0) {
    writeSync(2, `(node:${process.pid}) OriginscopeWarning: ${text}\n`);
  }
}

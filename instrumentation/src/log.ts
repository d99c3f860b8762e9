import { writeSync } from 'node:fs';
import { diag } from '@opentelemetry/api';

let areWarningsShown = false;
let isExiting = false;

/**
 * Also emits warnings and errors as process warnings: without code in the application there is no
 * diagnostic logger, and losses would go unnoticed.
 */
export function showWarnings(): void {
  areWarningsShown = true;
}

/**
 * From now on writes warnings synchronously: process warnings are emitted a turn later, and the process is
 * exiting.
 */
export function writeWarningsAtOnce(): void {
  isExiting = true;
}

/** Writes to OpenTelemetry's diagnostic log. Never throws, although the logger belongs to the application. */
export function log(level: 'info' | 'warn' | 'error', message: string, error?: unknown): void {
  const text = `@originscope/instrumentation-cors: ${message}`;
  try {
    if (error === undefined) diag[level](text);
    else diag[level](text, error);
    if (areWarningsShown && level !== 'info') {
      showWarning(error instanceof Error ? `${text}: ${error.message}` : text);
    }
  } catch {
    // The logger itself failed; there is nowhere else to report to.
  }
}

function showWarning(text: string): void {
  if (!isExiting) process.emitWarning(text, 'OriginscopeWarning');
  // Node's own listener is missing when warnings are disabled (`--no-warnings`).
  else if (process.listenerCount('warning') > 0) {
    writeSync(2, `(node:${process.pid}) OriginscopeWarning: ${text}\n`);
  }
}

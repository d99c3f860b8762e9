import { diag } from '@opentelemetry/api';

let areWarningsShown = false;

/**
 * Shows warnings and errors as process warnings, too: without a line of code in the application nobody has set
 * a diagnostic logger, and a loss that nobody hears of is a silent one.
 */
export function showWarnings(): void {
  areWarningsShown = true;
}

/** Writes to OpenTelemetry's diagnostic log. The logger is the application's own: it must not break us. */
export function log(level: 'info' | 'warn' | 'error', message: string, error?: unknown): void {
  const text = `@originscope/instrumentation-cors: ${message}`;
  try {
    if (error === undefined) diag[level](text);
    else diag[level](text, error);
    if (areWarningsShown && level !== 'info') {
      process.emitWarning(error instanceof Error ? `${text}: ${error.message}` : text, 'OriginscopeWarning');
    }
  } catch {
    // A logger that throws: there is nobody left to tell.
  }
}

import { diag } from '@opentelemetry/api';

/** Writes to OpenTelemetry's diagnostic log. The logger is the application's own: it must not break us. */
export function log(level: 'info' | 'warn' | 'error', message: string, error?: unknown): void {
  const text = `@originscope/instrumentation-cors: ${message}`;
  try {
    if (error === undefined) diag[level](text);
    else diag[level](text, error);
  } catch {}
}

import type { OriginscopeError } from '../../core/errors.ts';
import { runnableHints } from './hints.ts';

/** An error as the command line prints it: its code can be found in docs/errors.md. */
export function errorText({ code, message, remedy }: OriginscopeError): string {
  return `originscope: [${code}] ${message}\n  ${runnableHints(remedy)}`;
}

import { readFileSync } from 'node:fs';
import { OriginscopeError } from '../../core/errors.ts';

/**
 * The text of a file that a setting names.
 *
 * @param source the flag or variable, for the error
 * @throws OriginscopeError `CONFIG_UNREADABLE`
 */
export function readText(path: string, source: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new OriginscopeError('CONFIG_UNREADABLE', {
      source: `${source}: ${path}`,
      problem: 'cannot be read',
      cause,
      remedy: 'Check the path and its permissions.',
    });
  }
}

/** @throws OriginscopeError `CONFIG_UNREADABLE` */
export function readPem(path: string | undefined, flag: string): string | undefined {
  return path === undefined ? undefined : readText(path, flag);
}

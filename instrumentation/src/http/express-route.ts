import type { IncomingMessage } from 'node:http';
import { maskPath } from './mask-path.ts';

/**
 * The route template that Express (and frameworks based on it) sets on the request. Its `baseUrl` is the
 * mount path with actual parameter values, so it is masked.
 */
export function expressRoute(request: IncomingMessage): string | undefined {
  const route: unknown = Reflect.get(request, 'route');
  if (typeof route !== 'object' || route === null || !('path' in route)) return undefined;
  // Regular expressions and lists of paths are not templates.
  if (typeof route.path !== 'string') return undefined;
  const baseUrl: unknown = Reflect.get(request, 'baseUrl');
  const mount = typeof baseUrl === 'string' && baseUrl !== '' ? maskPath(baseUrl) : '';
  return mount !== '' && route.path === '/' ? mount : mount + route.path;
}

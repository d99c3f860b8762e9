import type { IncomingMessage } from 'node:http';
import { guard } from '../guard.ts';
import { type ExpressApp, findMounts, type Mount } from './express-mounts.ts';
import { fits, pathOf } from './mask-path.ts';
import { patternOfMount, patternOfPath } from './mount-template.ts';

/** The part of Express' request that is read here. */
interface ExpressRequest {
  readonly route?: ExpressRoute;
  readonly app?: ExpressApp;
  readonly baseUrl?: string;
  readonly url?: string;
}

interface ExpressRoute {
  readonly path?: unknown;
  [MOUNTS]?: RouteMounts;
}

/** Where a route is mounted, and what was learned about it. */
interface RouteMounts {
  readonly places: readonly (readonly Mount[])[];
  readonly known: { readonly prefix: string; readonly pattern: RegExp }[];
}

const MOUNTS = Symbol('originscope.cors.mounts');

/** Mount paths are chosen by developers and few; the limit holds if a pattern has many forms. */
const MAX_KNOWN = 32;

/**
 * The template of the last route that Express (or a framework based on it) matched. Where the route's router
 * is mounted is looked up in the application: `baseUrl` has values of the request, and is that of an outer
 * router as soon as the route fails or leaves the response to others.
 */
export const expressRoute = guard('Reading an Express route', readRoute, undefined);

function readRoute(raw: IncomingMessage): string | undefined {
  const request = raw as ExpressRequest;
  const { route } = request;
  if (typeof route !== 'object' || route === null) return undefined;
  // Regular expressions and lists of paths are not templates.
  if (typeof route.path !== 'string') return undefined;
  route[MOUNTS] ??= {
    places: typeof request.app === 'function' ? findMounts(request.app, route) : [],
    known: [],
  };
  const mounts = route[MOUNTS];
  // Not below any router.
  if (mounts.places[0]?.length === 0 && mounts.places.length === 1) return route.path;
  // Middleware may have rewritten `url`; routers only move text from it to `baseUrl`.
  const path = (request.baseUrl ?? '') + pathOf(request.url ?? '');
  // Called by a function that hides its router: the mount path is unknown.
  if (mounts.places.length === 0) return fits(route.path, path.split('/')) ? route.path : undefined;
  const prefix = prefixOf(mounts, path, route.path);
  if (prefix === undefined) return undefined;
  return prefix !== '' && route.path === '/' ? prefix : prefix + route.path;
}

function prefixOf({ places, known }: RouteMounts, path: string, route: string): string | undefined {
  for (const { prefix, pattern } of known) if (pattern.test(path)) return prefix;
  for (const mounts of places) {
    const prefix = joinedPrefix(mounts, path);
    if (prefix === undefined) continue;
    // Of several places, the one in which the route matches the whole path.
    const pattern = (places.length > 1 && patternOfPath(prefix + route)) || patternOfMount(prefix);
    if (pattern === undefined) return prefix;
    if (!pattern.test(path)) continue;
    if (known.length >= MAX_KNOWN) return undefined;
    known.push({ prefix, pattern });
    return prefix;
  }
  return undefined;
}

function joinedPrefix(mounts: readonly Mount[], path: string): string | undefined {
  let rest = path;
  let prefix = '';
  for (const mount of mounts) {
    const mounted = mount(rest);
    if (mounted?.template === undefined) return undefined;
    prefix += mounted.template;
    rest = rest.slice(mounted.length) || '/';
  }
  return prefix;
}

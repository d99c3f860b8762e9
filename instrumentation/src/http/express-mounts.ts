import { type MountMatch, patternOfMount, templateOfMount } from './mount-template.ts';

/** The part of Express (4 and 5) and its router that is read here; it is not imported. */
export interface ExpressApp {
  readonly parent?: ExpressApp;
  readonly mountpath?: unknown;
  /** Express 4. */
  readonly _router?: Router;
  /** Express 5; throws in Express 4. */
  readonly router?: Router;
}

interface Router {
  readonly stack?: readonly Layer[];
}

interface Layer {
  readonly handle: ((...args: never[]) => unknown) & Router & ExpressApp;
  readonly route?: object;
  /** Since router 2.3, returns what it matched; before, sets `path` and `params`. */
  match(path: string): boolean | LayerMatch;
  path?: string | undefined;
  params?: Readonly<Record<string, unknown>> | undefined;
}

interface LayerMatch extends MountMatch {
  /** The one of the layer's declared paths that matched, where the layer knows it. */
  readonly pattern?: unknown;
}

/** What a mount matched at the start of a path. */
interface Mounted {
  readonly length: number;
  /** Undefined when it is not known. */
  readonly template: string | undefined;
}

/** One of the mounts that lead to a route. */
export type Mount = (path: string) => Mounted | undefined;

const MAX_LAYERS = 50_000;
const MAX_DEPTH = 16;

/**
 * Finds the mounts that lead to a route: one list for each place where its router is mounted, outermost
 * mount first.
 */
export function findMounts(app: ExpressApp, route: object): readonly (readonly Mount[])[] {
  const found: Mount[][] = [];
  const budget = { left: MAX_LAYERS };
  for (const root of new Set([outermost(app), app])) {
    search(routerOf(root), route, ancestorMounts(root), found, budget, MAX_DEPTH);
    if (found.length > 0) break;
  }
  return found;
}

function search(
  router: Router | undefined,
  route: object,
  mounts: readonly Mount[],
  found: Mount[][],
  budget: { left: number },
  depth: number,
): void {
  if (depth === 0) return;
  for (const layer of router?.stack ?? []) {
    if (budget.left-- <= 0) return;
    if (layer.route === route) found.push([...mounts]);
    else if (layer.route === undefined && typeof layer.handle === 'function') {
      const inner = layer.handle.stack === undefined ? routerOf(layer.handle) : layer.handle;
      if (inner !== undefined) search(inner, route, [...mounts, mountOf(layer)], found, budget, depth - 1);
    }
  }
}

function outermost(app: ExpressApp): ExpressApp {
  let root = app;
  for (let depth = 0; root.parent !== undefined && depth < MAX_DEPTH; depth++) root = root.parent;
  return root;
}

function routerOf(app: ExpressApp): Router | undefined {
  if (app._router !== undefined || !('mountpath' in app)) return app._router;
  try {
    return app.router;
  } catch {
    return undefined;
  }
}

/** An application knows where it is mounted; the layer hides the application. */
function ancestorMounts(app: ExpressApp): Mount[] {
  const mounts: Mount[] = [];
  for (let inner = app; inner.parent !== undefined && mounts.length < MAX_DEPTH; inner = inner.parent) {
    mounts.unshift(mountOfApp(inner.mountpath));
  }
  return mounts;
}

function mountOfApp(mountpath: unknown): Mount {
  const paths = Array.isArray(mountpath) ? mountpath.flat(Number.POSITIVE_INFINITY) : [mountpath];
  const candidates = paths.map((path) => {
    const template = typeof path === 'string' ? path.replace(/\/$/, '') : undefined;
    return { template, pattern: template === undefined ? undefined : patternOfMount(template) };
  });
  return (path) => {
    for (const { template, pattern } of candidates) {
      const length = pattern?.exec(path)?.[0].length;
      if (length !== undefined) return { length, template };
    }
    return undefined;
  };
}

function mountOf(layer: Layer): Mount {
  const match = matcherOf(layer);
  return (path) => {
    const matched = match(path);
    if (matched === undefined) return undefined;
    const prefix = matched.path.replace(/\/$/, '');
    const { pattern } = matched;
    const template =
      typeof pattern === 'string' ? pattern.replace(/\/$/, '') : templateOfMount(prefix, match);
    return { length: prefix.length, template };
  };
}

function matcherOf(layer: Layer): (path: string) => LayerMatch | undefined {
  return (path) => {
    // The request whose dispatch set them may still need them.
    const { path: matchedPath, params } = layer;
    try {
      const matched = layer.match(path);
      if (matched === false) return undefined;
      if (matched === true) return { path: layer.path ?? '', params: layer.params ?? {} };
      return matched;
    } finally {
      if (matchedPath !== layer.path || params !== layer.params)
        Object.assign(layer, { path: matchedPath, params });
    }
  };
}

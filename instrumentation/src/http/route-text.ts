import { routeText } from './mask-path.ts';

/** What the route templates of an application say literally, learned as its answers show them. */
export interface RouteText {
  learn(route: string): void;
  has(segment: string): boolean;
}

/** Routes are the developer's, and so many: were they strangers' after all, no more is remembered. */
const MAX_ROUTES = 1_000;

/**
 * A preflight is mostly answered by a middleware, before any route is found. Its path can be shown all the same
 * as far as it says what routes of other answers say.
 */
export function createRouteText(): RouteText {
  const routes = new Set<string>();
  const segments = new Set<string>();
  return {
    learn(route) {
      if (routes.has(route) || routes.size >= MAX_ROUTES) return;
      routes.add(route);
      for (const segment of routeText(route)) segments.add(segment);
    },
    has: (segment) => segments.has(segment),
  };
}

import { routeText } from './mask-path.ts';

/** The literal segments of an application's route templates, learned from its responses. */
export interface RouteText {
  learn(route: string): void;
  has(segment: string): boolean;
}

/** Routes are chosen by developers and few; the limit holds if clients choose them after all. */
const MAX_ROUTES = 1_000;

/**
 * Preflights are usually answered by a middleware before any route is matched. Their paths can still be
 * shown where they consist of known route segments.
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

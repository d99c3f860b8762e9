import type { IncomingMessage } from 'node:http';

/** Where Next.js keeps what its server knows about a request. */
const META = Symbol.for('NextInternalRequestMeta');

interface NextRequest {
  readonly [META]?: {
    readonly match?: { readonly definition?: { readonly pathname?: unknown } | null } | null;
  };
}

/** The route template that the server of Next.js matched, such as `/items/[id]`: a path in its folder. */
export function nextRoute(request: IncomingMessage): string | undefined {
  const pathname = (request as NextRequest)[META]?.match?.definition?.pathname;
  return typeof pathname === 'string' ? pathname : undefined;
}

import type { Kind } from '../../instrumentation/src/fetch-standard/decision.ts';
import type { BrowserCase } from './browser-case.ts';

/** A request, and what a server can tell of its kind. */
export interface NamedKind {
  readonly browserCase: BrowserCase;
  readonly kind: Kind;
}

type Overrides = Partial<Omit<BrowserCase, 'name' | 'hops'>>;

function sent(name: string, kind: Kind, overrides: Overrides = {}, host: 'api' | 'page' = 'api'): NamedKind {
  const answer = { status: 200, headers: [] };
  const hops: BrowserCase['hops'] = [{ host, preflight: answer, actual: answer }];
  const plain = { page: 'plain', method: 'GET', headers: [], credentials: 'omit', cookie: false } as const;
  return { kind, browserCase: { name, ...plain, ...overrides, hops } };
}

const POST: Overrides = { method: 'POST', body: 'x' };
const INSECURE: Overrides = { page: 'insecure' };

/** All ways in which a page sends an Origin; not all of them are CORS. */
export const namedKinds: readonly NamedKind[] = [
  sent('a cross-origin GET', 'actual'),
  sent('an image with crossorigin', 'actual', { sender: 'image' }),
  sent('a module script', 'actual', { sender: 'module' }),
  sent('an event stream', 'actual', { sender: 'event-source' }),
  sent('a PUT', 'preflight', { method: 'PUT' }),
  sent('an insecure PUT', 'preflight', { ...INSECURE, method: 'PUT' }),
  sent('a POST of mode no-cors', 'no_cors', { ...POST, mode: 'no-cors' }),
  sent('a same-origin POST', 'same_origin', POST, 'page'),
  sent('an insecure same-origin POST', 'same_origin', { ...INSECURE, ...POST }, 'page'),
  sent('a form', 'navigation', { ...POST, sender: 'form' }),
  sent('an insecure form', 'ambiguous', { ...INSECURE, ...POST, sender: 'form' }),
  sent('a WebSocket', 'websocket', { sender: 'websocket' }),
  sent('an insecure WebSocket', 'websocket', { ...INSECURE, sender: 'websocket' }),
];

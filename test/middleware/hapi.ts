import { type RouteOptionsCors, server } from '@hapi/hapi';
import { onTestFinished } from 'vitest';
import { asListed, type Middleware } from './page-calls.ts';

export const hapi: Record<string, Middleware> = {
  'hapi, a list': {
    start: (page) => serve({ origin: [page], credentials: true }),
    decisions: {
      ...asListed,
      'blocked method': 'acao_missing',
      'method in lower case': 'acao_missing',
      'method OPTIONS': 'acao_missing',
      'blocked header': 'acao_missing',
    },
  },
  'hapi, cors: true': {
    start: () => serve(true),
    decisions: {
      allowed: 'allowed',
      'allowed, JSON': 'credentials_mode_unknown, allowed',
      credentials: 'acac_not_true',
      'credentials, JSON': 'credentials_mode_unknown',
      'blocked method': 'acao_missing',
      'method in lower case': 'acao_missing',
      'method OPTIONS': 'acao_missing',
      'blocked header': 'acao_missing',
      'blocked origin': 'allowed',
      'blocked origin, JSON': 'credentials_mode_unknown, allowed',
    },
  },
};

async function serve(cors: true | RouteOptionsCors): Promise<string> {
  const app = server({ port: 0, host: '127.0.0.1', routes: { cors } });
  onTestFinished(() => app.stop({ timeout: 0 }));
  app.route({ method: ['GET', 'POST'], path: '/orders/{id}', handler: () => ({}) });
  await app.start();
  return app.info.uri;
}

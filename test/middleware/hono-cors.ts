import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { listen } from '../support/ask.ts';
import { asListed, type Middleware } from './page-calls.ts';

export const honoCors: Record<string, Middleware> = {
  'hono/cors, a list': {
    start: (page) =>
      serve({
        origin: [page],
        allowMethods: ['GET', 'POST'],
        allowHeaders: ['Content-Type'],
        credentials: true,
      }),
    decisions: asListed,
  },
  'hono/cors, as it comes': {
    start: () => serve(),
    decisions: {
      allowed: 'allowed',
      'allowed, JSON': 'credentials_mode_unknown, allowed',
      credentials: 'acao_wildcard_with_credentials',
      'credentials, JSON': 'credentials_mode_unknown',
      'blocked method': 'credentials_mode_unknown, allowed',
      'method in lower case': 'method_not_allowed',
      'method OPTIONS': 'method_not_allowed',
      'blocked header': 'credentials_mode_unknown, allowed',
      'blocked origin': 'allowed',
      'blocked origin, JSON': 'credentials_mode_unknown, allowed',
    },
  },
};

function serve(options?: Parameters<typeof cors>[0]): Promise<string> {
  const app = new Hono().use(cors(options));
  app.all('/orders/:id', (context) => context.json({}));
  return listen(createServer(getRequestListener(app.fetch)));
}

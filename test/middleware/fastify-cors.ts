import cors, { type FastifyCorsOptions } from '@fastify/cors';
import fastify from 'fastify';
import { onTestFinished } from 'vitest';
import { asListed, type Middleware } from './page-calls.ts';

export const fastifyCors: Record<string, Middleware> = {
  '@fastify/cors, a list and its default methods': {
    start: (page) => serve({ origin: [page], credentials: true, strictPreflight: false }),
    decisions: {
      ...asListed,
      'blocked header': 'allowed, allowed',
    },
  },
  '@fastify/cors, strictPreflight': {
    start: (page) =>
      serve({
        origin: [page],
        methods: ['GET', 'POST', 'OPTIONS'],
        allowedHeaders: ['Content-Type'],
        strictPreflight: true,
      }),
    decisions: {
      ...asListed,
      'allowed, JSON': 'credentials_mode_unknown, allowed',
      credentials: 'acac_not_true',
      'credentials, JSON': 'credentials_mode_unknown',
      'method OPTIONS': 'credentials_mode_unknown, allowed',
    },
  },
};

async function serve(options: FastifyCorsOptions): Promise<string> {
  const app = fastify({ forceCloseConnections: true });
  onTestFinished(() => app.close());
  await app.register(cors, options);
  app.all('/orders/:id', async () => ({}));
  return app.listen({ port: 0, host: '127.0.0.1' });
}

import { createServer } from 'node:http';
import cors from '@koa/cors';
import Koa from 'koa';
import { listen } from '../support/ask.ts';
import { asListed, type Middleware } from './page-calls.ts';

export const koaCors: Record<string, Middleware> = {
  '@koa/cors, a function': {
    start: (page) => {
      const app = new Koa().use(
        cors({
          origin: (ctx) => (ctx.get('origin') === page ? page : ''),
          allowMethods: ['GET', 'POST'],
          allowHeaders: ['Content-Type'],
          credentials: true,
        }),
      );
      app.use((ctx) => {
        ctx.body = {};
      });
      return listen(createServer(app.callback()));
    },
    decisions: asListed,
  },
};

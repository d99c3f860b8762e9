import { createServer } from 'node:http';
import cors, { type CorsOptions } from 'cors';
import express, { type Express } from 'express';
import { listen } from '../support/ask.ts';
import { asListed, type Middleware } from './page-calls.ts';

const LISTED = { methods: ['GET', 'POST'], allowedHeaders: ['Content-Type'], credentials: true };

export const expressCors: Record<string, Middleware> = {
  'express cors, a list': {
    start: (page) => serveAll({ ...LISTED, origin: ['https://shop.example', page] }),
    decisions: asListed,
  },
  'express cors, a RegExp': {
    start: () => serveAll({ ...LISTED, origin: /^http:\/\/a\.localhost(:\d+)?$/ }),
    decisions: asListed,
  },
  'express cors, a function that fails': {
    start: (page) =>
      serveAll({
        ...LISTED,
        origin: (origin, decided) =>
          origin === page ? decided(null, true) : decided(new Error('Not allowed by CORS')),
      }),
    decisions: asListed,
  },
  'express cors, one string': {
    start: (page) => serveAll({ ...LISTED, origin: page }),
    decisions: {
      ...asListed,
      'blocked origin': 'acao_mismatch',
      'blocked origin, JSON': 'acao_mismatch',
    },
  },
  'express cors, origin: true': {
    start: () => serveAll({ origin: true, credentials: true }),
    decisions: {
      ...asListed,
      'blocked method': 'allowed, allowed',
      'blocked header': 'allowed, allowed',
      'blocked origin': 'allowed',
      'blocked origin, JSON': 'allowed, allowed',
    },
  },
  'express cors on a route, without app.options': {
    start: () => {
      const app = express();
      app.get('/orders/:id', cors(), (_request, response) => void response.json({}));
      app.post('/orders/:id', cors(), (_request, response) => void response.json({}));
      return serve(app);
    },
    decisions: {
      allowed: 'allowed',
      'allowed, JSON': 'acao_missing',
      credentials: 'acao_wildcard_with_credentials',
      'credentials, JSON': 'acao_missing',
      'blocked method': 'acao_missing',
      'method in lower case': 'acao_missing',
      'method OPTIONS': 'acao_missing',
      'blocked header': 'acao_missing',
      'blocked origin': 'allowed',
      'blocked origin, JSON': 'acao_missing',
    },
  },
};

function serveAll(options: CorsOptions): Promise<string> {
  const app = express().use(cors(options));
  app.all('/orders/:id', (_request, response) => void response.json({}));
  return serve(app);
}

function serve(app: Express): Promise<string> {
  // Express prints unhandled errors, except in tests.
  return listen(createServer(app.set('env', 'test')));
}

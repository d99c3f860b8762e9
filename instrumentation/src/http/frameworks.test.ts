import 'reflect-metadata';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { connect } from 'node:http2';
import fastifyCors from '@fastify/cors';
import { server as hapi } from '@hapi/hapi';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import koaCors from '@koa/cors';
import Router from '@koa/router';
import { Controller, Get, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import cors from 'cors';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { cors as honoCors } from 'hono/cors';
import { routePath } from 'hono/route';
import Koa from 'koa';
import { expect, onTestFinished, test } from 'vitest';
import { ask, crossOrigin, listen, preflight } from '../../../test/support/ask.ts';
import { observeServers } from '../../../test/support/recorded.ts';
import { setRoute } from './set-route.ts';

/** Every application allows https://shop.example the methods GET and PUT with credentials, and answers a GET. */
interface Application {
  readonly start: () => Promise<string>;
  /** The route that is known of an answer by the handler, without any tracing. */
  readonly route: string | undefined;
}

const POLICY = { origin: ['https://shop.example'], methods: ['GET', 'PUT'], credentials: true };

const applications: Record<string, Application> = {
  'Express 5 with cors': {
    route: '/api/users/:id',
    start: () => {
      const users = express.Router().get('/users/:id', (_request, response) => void response.json({}));
      return serve(express().use(cors(POLICY)).use('/api', users));
    },
  },
  'Fastify 5 with @fastify/cors': {
    route: '/api/users/:id',
    start: async () => {
      const app = fastify();
      onTestFinished(() => app.close());
      await app.register(fastifyCors, POLICY);
      app.get('/api/users/:id', async () => ({}));
      return app.listen({ port: 0, host: '127.0.0.1' });
    },
  },
  'Koa with @koa/cors': {
    route: undefined,
    start: () => {
      const allow = koaCors({
        origin: (ctx) => (POLICY.origin.includes(ctx.get('origin')) ? ctx.get('origin') : ''),
        allowMethods: POLICY.methods,
        credentials: true,
      });
      const app = new Koa().use(allow).use((ctx) => {
        ctx.body = {};
      });
      return serve(app.callback());
    },
  },
  'Hono on @hono/node-server': {
    route: undefined,
    start: () => {
      const app = new Hono().use(
        honoCors({ origin: POLICY.origin, allowMethods: POLICY.methods, credentials: true }),
      );
      app.get('/api/users/:id', (context) => context.json({}));
      return serve(getRequestListener(app.fetch));
    },
  },
  'NestJS on Express': {
    route: '/api/users/:id',
    start: async () => {
      class Users {
        find() {
          return {};
        }
      }
      Controller('api/users')(Users);
      const find = Object.getOwnPropertyDescriptor(Users.prototype, 'find') as PropertyDescriptor;
      Get(':id')(Users.prototype, 'find', find);
      Param('id')(Users.prototype, 'find', 0);
      class Application {}
      Module({ controllers: [Users] })(Application);
      const app = await NestFactory.create(Application, { logger: false });
      onTestFinished(() => app.close());
      app.enableCors(POLICY);
      await app.listen(0, '127.0.0.1');
      return app.getUrl();
    },
  },
  'bare node:http': {
    route: undefined,
    start: () =>
      serve((request, response) => {
        const isAllowed = POLICY.origin.includes(request.headers.origin ?? '');
        response.writeHead(request.method === 'OPTIONS' ? 204 : 200, {
          vary: 'Origin',
          ...(isAllowed && {
            'access-control-allow-credentials': 'true',
            'access-control-allow-origin': request.headers.origin,
            'access-control-allow-methods': POLICY.methods.join(),
            'access-control-allow-headers': 'x-requested-with',
          }),
        });
        response.end();
      }),
  },
};

function serve(listener: RequestListener): Promise<string> {
  return listen(createServer(listener));
}

for (const [name, { start, route }] of Object.entries(applications)) {
  test(`${name}: allowed, blocked and preflight requests are decided as a browser does`, async () => {
    const observations = observeServers();
    const url = `${await start()}/api/users/42?token=secret`;

    await ask(url, { headers: crossOrigin() });
    await ask(url, { headers: crossOrigin('https://evil.example') });
    await ask(url, preflight('PUT'));
    await ask(url, preflight('DELETE'));
    await ask(url, preflight('PUT', 'x-requested-with', 'https://evil.example'));
    await ask(url);

    expect(
      observations.map(({ decision: { kind, verdict, reason, detail } }) => [kind, verdict, reason, detail]),
    ).toEqual([
      ['actual', 'allowed', '', ''],
      ['actual', 'blocked', 'acao_missing', expect.anything()],
      ['preflight', 'allowed', '', ''],
      ['preflight', 'blocked', 'method_not_allowed', 'DELETE'],
      ['preflight', 'blocked', 'acao_missing', expect.anything()],
    ]);
    const [allowed, blocked] = observations;
    expect(allowed).toMatchObject({
      method: 'GET',
      statusCode: 200,
      route,
      serverAddress: expect.stringMatching(/^(127\.0\.0\.1|\[::1\])$/),
      path: undefined,
      clientBit: expect.any(Number),
    });
    expect(allowed?.route).toBe(route);
    expect(blocked?.path).toBe('/api/users/:id');
  });
}

test('Fastify on HTTP/2: the route is known as well', async () => {
  const observations = observeServers();
  const app = fastify({ http2: true });
  onTestFinished(() => app.close());
  app.get('/api/users/:id', async () => ({}));
  const session = connect(await app.listen({ port: 0, host: '127.0.0.1' }));
  onTestFinished(() => session.destroy());

  const stream = session.request({ ':path': '/api/users/42', ...crossOrigin() }).resume();
  await once(stream, 'end');

  expect(observations.map(({ route }) => route)).toEqual(['/api/users/:id']);
});

/** The documented line of each framework that does not expose its routes; others answer in any case. */
const routeSetters: Record<string, () => Promise<string>> = {
  Koa: () => {
    const app = new Koa();
    app.use((ctx, next) => next().finally(() => setRoute(ctx.req, ctx._matchedRoute)));
    const users = new Router().get('/:id', (ctx) => {
      ctx.body = {};
    });
    app.use(new Router().use('/users', users.routes()).routes());
    return serve(app.callback());
  },
  Hono: () => {
    const app = new Hono<{ Bindings: HttpBindings }>();
    app.use(async (c, next) => {
      await next();
      setRoute(c.env.incoming, routePath(c, -1));
    });
    app.get('/users/:id', (c) => c.json({}));
    return serve(getRequestListener((request, env) => app.fetch(request, env)));
  },
  Hapi: async () => {
    const app = hapi({ host: '127.0.0.1', port: 0 });
    onTestFinished(() => app.stop());
    app.ext('onPreResponse', (request, h) => {
      setRoute(request.raw.req, request.route.path);
      return h.continue;
    });
    app.route({ method: 'GET', path: '/users/{id}', handler: () => ({}) });
    await app.start();
    return app.info.uri;
  },
};

for (const [name, startApp] of Object.entries(routeSetters)) {
  test(`${name}: setRoute() gives the route that the framework does not expose`, async () => {
    const observations = observeServers();
    const url = await startApp();

    await ask(`${url}/users/42`, { headers: crossOrigin() });

    expect(observations.map(({ route }) => route)).toEqual([name === 'Hapi' ? '/users/{id}' : '/users/:id']);
  });
}

test('setRoute takes precedence over the framework, and ignores what is not a request or a template', async () => {
  const observations = observeServers();
  const app = express().get('/{*all}', (request, response) => {
    setRoute(request, request.url.startsWith('/own') ? '/own/:id' : /pattern/);
    setRoute(undefined, '/nothing');
    response.end();
    setRoute(request, '/too/late');
  });
  const url = await serve(app);

  await ask(`${url}/own/1`, { headers: crossOrigin() });
  await ask(`${url}/other`, { headers: crossOrigin() });
  await ask(`${url}/own/1`);

  expect(observations.map(({ route }) => route)).toEqual(['/own/:id', '/{*all}']);
});

test('routes that are not templates are left out, and mount points are masked', async () => {
  const observations = observeServers();
  const answer: RequestListener = (_request, response) => void response.end();
  const tenants = express
    .Router()
    .get('/', answer)
    .get(/^\/report/, answer);
  const url = await serve(express().use('/tenants/:id', tenants));

  await ask(`${url}/tenants/4711/`, { headers: crossOrigin() });
  await ask(`${url}/tenants/4711/report`, { headers: crossOrigin() });

  expect(observations.map(({ route }) => route)).toEqual(['/tenants/:id', undefined]);
});

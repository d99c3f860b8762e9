import { createServer, type RequestListener } from 'node:http';
import { createRequire } from 'node:module';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { expect, test } from 'vitest';
import { ask, crossOrigin, listen } from '../../../test/support/ask.ts';
import { observeServers } from '../../../test/support/recorded.ts';

// Its types would be those of Express 5.
const express4 = createRequire(import.meta.url)('express-4') as typeof express;

const versions = [
  ['Express 5', express],
  ['Express 4', express4],
] as const;

const answer: RequestListener = (_request, response) => void response.end();
const fail = () => {
  throw new Error('boom');
};
const answerError = (_error: unknown, _request: Request, response: Response, _next: NextFunction) =>
  void response.status(500).end();

/** The routes reported for requests to these paths, in turn. */
async function routesOf(app: Express | RequestListener, ...paths: string[]): Promise<(string | undefined)[]> {
  const observations = observeServers();
  const url = await listen(createServer(app));
  for (const path of paths) await ask(url + path, { headers: crossOrigin() });
  expect(observations).toHaveLength(paths.length);
  return observations.map(({ route }) => route);
}

for (const [name, create] of versions) {
  test(`${name}: a route that throws, fails or leaves the response to others keeps its mount path`, async () => {
    const boom = create
      .Router()
      .get('/boom', fail)
      .get('/later', (_request, _response, next) => void setImmediate(() => next(new Error('later'))))
      .get('/items/:id', (_request, _response, next) => next());
    const app = create()
      .get('/plain/:id', answer)
      .use('/api', boom)
      .use('/v2', create.Router().use('/nested', boom))
      .use(answer)
      .use(answerError);

    expect(
      await routesOf(
        app,
        '/plain/1',
        '/api/boom',
        '/v2/nested/boom',
        '/api/later?token=secret',
        '/api/items/42',
        '/API/BOOM',
        '/api/boom/',
        '/nothing',
      ),
    ).toEqual([
      '/plain/:id',
      '/api/boom',
      '/v2/nested/boom',
      '/api/later',
      '/api/items/:id',
      '/api/boom',
      '/api/boom',
      undefined,
    ]);
  });

  test(`${name}: mount parameters are reported by name, never by value`, async () => {
    const items = create.Router({ mergeParams: true }).get('/items/:id', answer).get('/', answer);
    const app = create()
      .use('/orgs/:org', items)
      .use('/teams/:team', create.Router().use('/orgs/:org', create.Router().get('/fails', fail)))
      .use('/:from-:to/v:version', create.Router().get('/range', answer))
      .use(answerError);

    expect(
      await routesOf(
        app,
        '/orgs/acme/items/1',
        '/orgs/shop/items/2',
        '/orgs/jane%20doe%40mail/',
        '/orgs/orgs/items/3',
        '/teams/red/orgs/orders/fails',
        '/2025-2026/v12/range',
      ),
    ).toEqual([
      '/orgs/:org/items/:id',
      '/orgs/:org/items/:id',
      '/orgs/:org',
      '/orgs/:org/items/:id',
      '/teams/:team/orgs/:org/fails',
      '/:from-:to/v:version/range',
    ]);
  });

  test(`${name}: mount paths that are patterns or lists never report a value`, async () => {
    const router = create.Router().get('/items', answer);
    const app = create()
      .use(/^\/tenant-[a-z]+/, router)
      .use(/^\/shops\/(\d+)/, router)
      .use(['/a', '/b/:name'], router);

    const routes = await routesOf(
      app,
      '/tenant-acme/items',
      '/tenant-jane/items',
      '/shops/4711/items',
      '/shops/0815/items',
      '/a/items',
      '/b/secret/items',
    );

    expect(routes).toEqual([
      '/tenant-:id/items',
      '/tenant-:id/items',
      '/shops/:id/items',
      '/shops/:id/items',
      '/a/items',
      '/b/:name/items',
    ]);
  });

  test(`${name}: mounted applications, rewritten URLs, and the same router in two places`, async () => {
    const admin = create().use('/users', create.Router().get('/:id', answer));
    const shared = create.Router().get('/list', answer);
    const app = create()
      .use((request, _response, next) => {
        request.url = request.url.replace(/^\/old\//, '/new/');
        next();
      })
      .use('/tenants/:tenant/admin', admin)
      .use('/new', create.Router().get('/items/:id', answer))
      .use(shared)
      .use('/again', shared);

    expect(
      await routesOf(app, '/tenants/acme/admin/users/1', '/old/items/1', '/list', '/again/list', '/list'),
    ).toEqual(['/tenants/:tenant/admin/users/:id', '/new/items/:id', '/list', '/again/list', '/list']);
  });

  test(`${name}: below a router that a function hides, the route is unknown instead of wrong`, async () => {
    const hidden = create.Router().get('/items/:id', answer).get('/boom', fail);
    const app = create()
      .use('/orgs/:org', (request, response, next) => hidden(request, response, next))
      .use(answerError);

    expect(await routesOf(app, '/orgs/acme/items/1', '/orgs/acme/boom')).toEqual([undefined, undefined]);
  });

  test(`${name}: requests of many tenants are one route`, async () => {
    const app = create().use('/orgs/:org', create.Router().get('/items/:id', answer));
    const tenants = Array.from({ length: 50 }, (_, i) => `/orgs/tenant-${i}/items/${i}`);

    expect(new Set(await routesOf(app, ...tenants))).toEqual(new Set(['/orgs/:org/items/:id']));
  });

  test(`${name}: looking for the route changes nothing for requests under way`, async () => {
    const seen: unknown[] = [];
    const router = create.Router({ mergeParams: true }).get('/items', (request, response) => {
      response.write('x');
      seen.push({ ...request.params }, request.baseUrl, request.url);
      response.end();
    });
    await routesOf(create().use('/orgs/:org', router), '/orgs/acme/items', '/orgs/globex/items');

    expect(seen).toEqual([
      { org: 'acme' },
      '/orgs/acme',
      '/items',
      { org: 'globex' },
      '/orgs/globex',
      '/items',
    ]);
  });
}

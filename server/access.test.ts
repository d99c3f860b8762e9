import { pino } from 'pino';
import { Registry } from 'prom-client';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createReceiver } from '../collector/otlp/receiver.ts';
import { ask } from '../test/support/ask.ts';
import { startMonitor } from './monitor.ts';

const TOKEN = 'correct-horse-battery';
const ROUTES = ['/metrics', '/healthz', '/readyz'];

/** Both kinds of server that are asked how a process is; the URL of each. */
const SERVERS: Record<string, (token?: string) => Promise<string>> = {
  async receiver(token) {
    const receiver = createReceiver({ ...about(), ...at(token), now: Date.now, write: async () => {} });
    onTestFinished(() => receiver.close());
    return receiver.listen();
  },
  async monitor(token) {
    const monitor = await startMonitor({ ...about(), ...at(token), logger: pino({ level: 'silent' }) });
    onTestFinished(() => monitor.close());
    return monitor.url;
  },
};
const at = (token?: string) => ({ host: '127.0.0.1', port: 0, token });
const about = () => ({
  registry: new Registry(),
  ready: () => true,
  health: () => ({ writer: { written: 7 } }),
});

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** The values of a header of an answer. */
const valuesOf = (rawHeaders: readonly string[], name: string) =>
  rawHeaders.filter((_, place) => rawHeaders[place - 1]?.toLowerCase() === name);

describe.each(Object.keys(SERVERS))('%s on a loopback address without a token', (kind) => {
  const listen = () => SERVERS[kind]?.() as Promise<string>;

  test.each([
    'localhost',
    'localhost:4318',
    'LOCALHOST.:80',
    'tools.localhost:1',
    '127.0.0.1:4318',
    '127.8.9.1',
    '[::1]:4318',
  ])('answers who asks for Host %s', async (host) => {
    const url = await listen();
    for (const route of ROUTES)
      expect(await ask(url + route, { headers: { host } })).toMatchObject({ status: 200 });
  });

  test.each([
    ['a name of its own', { host: 'rebound.example:4318' }],
    ['a name that begins like ours', { host: 'localhost.example' }],
    ['an address of the network', { host: '192.0.2.1:4318' }],
    ['all addresses', { host: '0.0.0.0:4318' }],
    ['a page of another site', { host: 'localhost', origin: 'https://page.example' }],
    ['a page whose name begins like ours', { host: 'localhost', origin: 'http://localhost.example' }],
    ['a page without an origin', { host: 'localhost', origin: 'null' }],
  ])('refuses %s, and says why', async (_, headers) => {
    const url = await listen();
    for (const route of [...ROUTES, '/none', '/v1/traces']) {
      const { status, body } = await ask(url + route, {
        method: route === '/v1/traces' ? 'POST' : 'GET',
        headers: { 'content-type': 'application/json', 'content-length': '0', ...headers },
      });
      expect(status).toBe(403);
      expect(body).toMatch(/web page .*ORIGINSCOPE_TOKEN/);
    }
  });

  test('takes a page of this machine', async () => {
    const url = await listen();
    const headers = { host: 'localhost', origin: 'http://localhost:3000' };
    expect(await ask(`${url}/healthz`, { headers })).toMatchObject({ status: 200 });
  });
});

describe.each(Object.keys(SERVERS))('%s with a token', (kind) => {
  const listen = () => SERVERS[kind]?.(TOKEN) as Promise<string>;

  test('tells metrics to those who present it, and says whether it is missing or wrong', async () => {
    const url = `${await listen()}/metrics`;
    const without: Record<string, string>[] = [{}, { authorization: TOKEN }, { authorization: 'Bearer ' }];
    for (const headers of without) {
      const { status, rawHeaders, body } = await ask(url, { headers });
      expect(status).toBe(401);
      expect(valuesOf(rawHeaders, 'www-authenticate')).toEqual(['Bearer']);
      expect(body).toContain('has no bearer token');
    }
    const { status, rawHeaders, body } = await ask(url, { headers: bearer(`${TOKEN}x`) });
    expect(status).toBe(401);
    expect(valuesOf(rawHeaders, 'www-authenticate')).toEqual(['Bearer error="invalid_token"']);
    expect(body).toContain('token is wrong');
    expect(await ask(url, { headers: bearer(TOKEN) })).toMatchObject({ status: 200 });
  });

  test('tells probes, which have none, that it lives and is ready, and no more', async () => {
    const url = await listen();
    for (const headers of [{}, bearer('wrong')]) {
      const alive = await ask(`${url}/healthz`, { headers });
      expect([alive.status, JSON.parse(alive.body)]).toEqual([200, { status: 'ok' }]);
      const ready = await ask(`${url}/readyz`, { headers });
      expect([ready.status, JSON.parse(ready.body)]).toEqual([200, { ready: true }]);
    }
    const details = await ask(`${url}/healthz`, { headers: bearer(TOKEN) });
    expect(JSON.parse(details.body)).toMatchObject({ status: 'ok', writer: { written: 7 } });
  });

  test('is asked by any name: who has the token is no page', async () => {
    const url = await listen();
    const headers = { host: 'collector.example', ...bearer(TOKEN) };
    expect(await ask(`${url}/metrics`, { headers })).toMatchObject({ status: 200 });
    expect(await ask(`${url}/healthz`, { headers: { host: 'collector.example' } })).toMatchObject({
      status: 200,
    });
  });
});

import { createServer, type IncomingMessage, request as requestPlain, type ServerResponse } from 'node:http';
import { gunzipSync } from 'node:zlib';
import express from 'express';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { CorsInstrumentation } from '../../instrumentation/src/index.ts';
import { crossOrigin, listen, preflight } from '../support/ask.ts';
import { spansOf } from '../support/otlp-json-receiver.ts';
import {
  ANSWERS,
  clientAddress,
  formsOf,
  inHeader,
  originsWith,
  PAGE,
  pathsWith,
  secret,
} from '../support/secrets.ts';

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Requests that carry the secret in each place where a request can. */
function requestsWith(text: string): Sent[] {
  const inUrl = encodeURIComponent(text);
  const inValue = inHeader(text);
  const secrets = {
    cookie: `session=${inValue}`,
    authorization: `Bearer ${inValue}`,
    referer: `${PAGE}/account?token=${inUrl}`,
    baggage: `user=${inUrl}`,
    'x-secret': inValue,
  };
  const page = { ...crossOrigin(PAGE), ...secrets };
  const asked = preflight('PUT', 'content-type, x-tenant-id', PAGE);
  return [
    ...pathsWith(text).flatMap((path) => [
      { method: 'GET', path, headers: page },
      { method: 'OPTIONS', path, headers: { ...asked.headers, ...secrets } },
    ]),
    ...originsWith(text).map((origin) => ({ method: 'GET', path: '/orders', headers: { ...page, origin } })),
    ...Object.keys(ANSWERS).flatMap((answer) => [
      { method: 'GET', path: '/orders', headers: { ...page, 'x-answer': answer } },
      { method: 'POST', path: '/orders', headers: { ...page, 'x-answer': answer }, body: text },
      { ...asked, path: '/orders', headers: { ...asked.headers, ...secrets, 'x-answer': answer } },
    ]),
    ...[
      { ...asked.headers, 'access-control-request-method': inValue },
      { ...asked.headers, 'access-control-request-headers': `content-type, ${inUrl}=%` },
    ].map((headers) => ({ ...asked, path: '/orders', headers: { ...headers, 'x-answer': 'allowed' } })),
    ...[inValue, 'none'].map((site) => ({
      method: 'GET',
      path: '/orders',
      headers: { ...page, 'sec-fetch-site': site },
    })),
  ].map((sent) => ({ ...sent, headers: { host: 'api.example', ...sent.headers } }));
}

test('a secret in any part of a request or response is in nothing that the process sends', async () => {
  const receiver = await receiveBytes();
  const instrumentation = new CorsInstrumentation({
    endpoint: receiver.url,
    // Every decision has a span of its own, with all that can be told of it.
    intervalMillis: 0,
    newKeysAtStart: 100_000,
    blockedSpansPerSecond: 10_000,
    blockedSpansBurst: 10_000,
    trustProxy: 1,
  });
  onTestFinished(() => instrumentation.disable());
  const port = Number(new URL(await listen(createServer(application()))).port);
  const seen = new Set<unknown>();

  await fc.assert(
    fc.asyncProperty(secret, clientAddress, async (text, address) => {
      const requests = requestsWith(text);
      await Promise.all(requests.map((sent) => send(port, sent, address)));
      await instrumentation.flush();
      const { heads, bodies } = receiver.take();
      const told = [...heads, ...bodies].join('\n').toLowerCase();
      expect([...formsOf(text), address].filter((form) => told.includes(form))).toEqual([]);
      for (const { attributes } of bodies.flatMap((body) => spansOf(JSON.parse(body)))) {
        for (const name of ['cors.verdict', 'cors.reason', 'cors.origin', 'url.path', 'http.route']) {
          seen.add(attributes[name]);
        }
      }
    }),
    { numRuns: 30 },
  );

  // The requests reach what they are about, and what may be told is told.
  for (const value of [
    'allowed',
    'blocked',
    'unknown',
    'acao_missing',
    'acao_mismatch',
    'acao_invalid',
    'acao_multiple',
    'acac_not_true',
    'acam_malformed',
    'acah_malformed',
    'method_not_allowed',
    'header_not_allowed',
    'preflight_redirect',
    'redirect_url_has_credentials',
    'redirect_url_not_http',
    PAGE,
    '(invalid) https://shop.example/...',
    '(invalid) https://...@shop.example',
    '(invalid) ...',
    '/users/:id/orders',
    '/api/v1/:id',
    '/express/tenants/:tenant/orders',
  ]) {
    expect(seen, `${value}`).toContain(value);
  }
}, 120_000);

/** A bare server with an Express application below `/express`, one of whose mount paths has a parameter. */
function application(): (request: IncomingMessage, response: ServerResponse) => void {
  const app = express();
  const orders = express.Router().get('/orders', (_request, response) => void response.json({}));
  app.use('/express/users/:name', orders);
  app.get('/express/tenants/:tenant/orders', (_request, response) => void response.json({}));
  return (request, response) => {
    if (request.url?.startsWith('/express/')) {
      app(request, response);
      return;
    }
    const answer = ANSWERS[String(request.headers['x-answer'])] ?? ANSWERS.nothing;
    const [status, headers] = answer?.(String(request.headers['x-secret'] ?? '')) ?? [200, {}];
    request.resume();
    response.writeHead(status, headers).end(request.headers['x-secret']);
  };
}

function send(port: number, { method, path, headers, body }: Sent, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = requestPlain(
      {
        host: '127.0.0.1',
        port,
        localAddress: address,
        method,
        path,
        headers: { ...headers, 'x-forwarded-for': `${address}, ${address}`, forwarded: `for=${address}` },
        agent: false,
      },
      (response) => response.resume().on('end', resolve).on('error', reject),
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** An OTLP/HTTP receiver that keeps all that it is sent: request lines and headers, and bodies inflated. */
async function receiveBytes() {
  let heads: string[] = [];
  let bodies: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    heads.push([request.url, ...request.rawHeaders].join('\n'));
    bodies.push(gunzipSync(Buffer.concat(chunks)).toString());
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  return {
    url: await listen(server),
    /** What came since the last time. */
    take(): { readonly heads: readonly string[]; readonly bodies: readonly string[] } {
      const taken = { heads, bodies };
      heads = [];
      bodies = [];
      return taken;
    },
  };
}

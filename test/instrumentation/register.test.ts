import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SCOPE_NAME } from '../../instrumentation/src/attributes.ts';
import { ask, crossOrigin, listen } from '../support/ask.ts';
import { type Receiver, receiveOtlpJson } from '../support/otlp-json-receiver.ts';
import { type StartedProcess, start } from '../support/process.ts';

let receiver: Receiver;
beforeEach(async () => {
  receiver = await receiveOtlpJson();
});
afterEach(() => receiver.close());

test('a service that ends by itself has reported all decisions of its main thread', async () => {
  const service = run('server.mjs');
  const url = await urlOf(service);

  for (let i = 0; i < 5; i++) await ask(`${url}/allowed`, { headers: crossOrigin() });
  for (let i = 0; i < 3; i++) await ask(url, { headers: crossOrigin() });
  await ask(`${url}/stop`);

  expect(await service.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(receiver.decisions()).toEqual({ allowed: 5, acao_missing: 3 });
});

test('SIGTERM terminates a service as usual, after a flush', async () => {
  const service = run('server.mjs');
  const url = await urlOf(service);

  await ask(`${url}/allowed`, { headers: crossOrigin() });
  service.kill('SIGTERM');

  expect(await service.ended).toMatchObject({ code: null, signal: 'SIGTERM' });
  expect(receiver.decisions()).toEqual({ allowed: 1 });
});

test('a server in a worker thread is observed there', async () => {
  const service = run('worker.mjs');
  const url = await urlOf(service);

  for (let i = 0; i < 4; i++) await ask(`${url}/allowed`, { headers: crossOrigin() });
  await ask(`${url}/stop`);

  expect(await service.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(receiver.decisions()).toEqual({ allowed: 4 });
});

test('the workers of a cluster are observed, each as a separate instance', async () => {
  const service = run('cluster.mjs', { OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=pod-7' });
  const url = await urlOf(service);

  const answers = [];
  for (let i = 0; i < 8; i++) answers.push(await ask(url, { headers: crossOrigin() }));
  // Connections go round the workers that are left.
  await ask(`${url}/stop`);
  await ask(`${url}/stop`);

  expect(await service.ended).toMatchObject({ code: 0 });
  expect(receiver.decisions()).toEqual({ acao_missing: 8 });
  const decisionSpans = receiver.spans.filter(({ scope }) => scope === SCOPE_NAME);
  expect(new Set(decisionSpans.map(({ instance }) => instance)).size).toBe(
    new Set(answers.map(({ body }) => body)).size,
  );
});

test('invalid options are reported, and the service runs without the instrumentation', async () => {
  const service = run('server.mjs', { ORIGINSCOPE_TRUST_PROXY: 'perhaps' });
  const url = await urlOf(service);

  const answer = await ask(`${url}/stop`, { headers: crossOrigin() });

  expect(answer.status).toBe(200);
  expect(await service.ended).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(
      /ORIGINSCOPE_NOT_REGISTERED.*ORIGINSCOPE_TRUST_PROXY must be true, false or/,
    ),
  });
  expect(receiver.spans).toEqual([]);
});

function run(program: string, env: Record<string, string> = {}): StartedProcess {
  const register = new URL('../../instrumentation/src/register.ts', import.meta.url).href;
  const path = fileURLToPath(new URL(`./programs/${program}`, import.meta.url));
  return start(process.execPath, ['--import', register, path], {
    env: { ORIGINSCOPE_ENDPOINT: receiver.url, ...env },
  });
}

async function urlOf(service: StartedProcess): Promise<string> {
  return `http://127.0.0.1:${await service.line()}`;
}

test('a warning about rejected decisions needs no logger in the service', async () => {
  const refusing = createServer((_request, response) => response.writeHead(401).end());
  const service = run('server.mjs', { ORIGINSCOPE_ENDPOINT: await listen(refusing) });
  const url = await urlOf(service);

  await ask(`${url}/allowed`, { headers: crossOrigin() });
  await ask(`${url}/stop`);

  expect(await service.ended).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/OriginscopeWarning: .*rejects decision spans with status 401/),
  });
  refusing.close();
});

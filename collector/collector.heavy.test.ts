import { createServer } from 'node:http';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { RETENTION } from '../clickhouse/retention.ts';
import { temporaryDirectory } from '../test/support/clickhouse.ts';
import { type CollectorOptions, startCollector } from './collector.ts';

const TOKEN = 'token-of-this-test';

async function options(given: Partial<CollectorOptions> = {}): Promise<CollectorOptions> {
  return {
    location: { directory: await temporaryDirectory() },
    host: '127.0.0.1',
    port: 0,
    token: TOKEN,
    auth: 'token',
    retention: RETENTION,
    log: pino({ level: 'silent' }),
    now: Date.now,
    ...given,
  };
}

test('routes of other folders are served on the port of the receiver, with its token', async () => {
  const collector = await startCollector(
    await options({
      routes: (clickhouse) => (server, access) => {
        server.get('/services', async ({ headers }) => {
          access.assertToken(headers);
          const query = 'SELECT toUInt32(count()) AS services FROM origin_usage';
          return (await clickhouse.reading.query({ query, format: 'JSONEachRow' })).json();
        });
      },
    }),
  );
  onTestFinished(() => collector.close());
  const asking = (authorization: string) =>
    fetch(`${collector.url}/services`, { headers: { authorization } });
  const answer = await asking(`Bearer ${TOKEN}`);
  expect([answer.status, await answer.json()]).toEqual([200, [{ services: 0 }]]);
  expect((await asking('Bearer another-token')).status).toBe(401);
});

test('a port that is taken leaves nothing open: the directory can be used at once', async () => {
  const first = await startCollector(await options());
  const port = Number(new URL(first.url).port);
  await first.close();
  const blocker = createServer().listen(port, '127.0.0.1');
  const given = await options({ port });
  await expect(startCollector(given)).rejects.toMatchObject({ code: 'PORT_TAKEN' });
  await new Promise((resolve) => blocker.close(resolve));
  const second = await startCollector(given);
  expect((await fetch(`${second.url}/readyz`)).status).toBe(200);
  await second.close();
});

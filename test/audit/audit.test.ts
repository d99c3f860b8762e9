import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { listen } from '../support/ask.ts';
import { freePort } from '../support/free-port.ts';
import { auditDependencies, isUnacceptable } from './audit.ts';

const ADVISORIES = '/-/npm/v1/security/advisories/bulk';

/** A registry that returns these advisories and nothing else. */
async function registryWith(advisories: object): Promise<{ url: string; asked: Set<string> }> {
  const asked = new Set<string>();
  const server = createServer(async (request, response) => {
    if (request.url !== ADVISORIES) return void response.writeHead(404).end('{}');
    const body = await buffer(request);
    const isZipped = request.headers['content-encoding'] === 'gzip';
    for (const name of Object.keys(JSON.parse(String(isZipped ? gunzipSync(body) : body)))) asked.add(name);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(advisories));
  });
  return { url: await listen(server), asked };
}

const advisory = (title: string, severity: string) => ({
  id: 1,
  url: 'https://advisories.example/1',
  title,
  severity,
  vulnerable_versions: '*',
});

test('every dependency is checked, and without advisories nothing is reported', async () => {
  const { url, asked } = await registryWith({});
  expect(await auditDependencies({ registry: url })).toEqual({ outcome: 'answered', findings: [] });
  expect([...asked]).toEqual(expect.arrayContaining(['kafkajs', 'fastify', 'vitest']));
});

test('a vulnerability of a shipped package fails, one of a development tool only if severe', async () => {
  const { url } = await registryWith({
    kafkajs: [advisory('a leak', 'low')],
    dclint: [advisory('a slow regular expression', 'moderate')],
    'playwright-core': [advisory('an execution of code', 'critical')],
  });
  const audit = await auditDependencies({ registry: url });
  if (audit.outcome !== 'answered') throw new Error(audit.why);
  const found = audit.findings.map((finding) => [
    finding.package,
    finding.isShipped,
    isUnacceptable(finding),
  ]);
  expect(found).toEqual(
    expect.arrayContaining([
      ['kafkajs', true, true],
      ['dclint', false, false],
      ['playwright-core', false, true],
    ]),
  );
  expect(audit.findings.find((finding) => finding.package === 'kafkajs')?.via).toEqual([
    'a leak (https://advisories.example/1)',
  ]);
});

test('a registry without advisories and an unreachable one are distinguished from a clean result', async () => {
  const without = await listen(createServer((_, response) => void response.writeHead(405).end()));
  const away = `http://127.0.0.1:${await freePort()}`;
  for (const registry of [without, away]) {
    expect(await auditDependencies({ registry })).toEqual({
      outcome: 'unanswered',
      why: expect.stringMatching(/405|ECONNREFUSED/),
    });
  }
});

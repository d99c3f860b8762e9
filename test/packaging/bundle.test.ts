import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, onTestFinished, test } from 'vitest';
import { ask, crossOrigin } from '../support/ask.ts';
import { receiveOtlpJson } from '../support/otlp-json-receiver.ts';
import { start } from '../support/process.ts';

const SERVICE = `
import { createServer } from 'node:http';
import { CorsInstrumentation } from '@originscope/instrumentation-cors';
new CorsInstrumentation();
const server = createServer((request, response) => {
  response.end();
  if (request.url === '/stop') server.close();
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

test.each(['esm', 'cjs'] as const)('a service that esbuild bundled as %s is observed', async (format) => {
  const directory = await mkdtemp(join(tmpdir(), 'originscope-bundle-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const outfile = join(directory, format === 'esm' ? 'service.mjs' : 'service.cjs');
  const { warnings } = await build({
    stdin: { contents: SERVICE, resolveDir: import.meta.dirname },
    bundle: true,
    platform: 'node',
    format,
    outfile,
  });
  expect(warnings).toEqual([]);
  const receiver = await receiveOtlpJson();
  onTestFinished(() => receiver.close());
  const service = start(process.execPath, [outfile], {
    cwd: directory,
    env: { ORIGINSCOPE_ENDPOINT: receiver.url },
  });
  const url = `http://127.0.0.1:${await service.line()}`;

  await ask(url, { headers: crossOrigin() });
  await ask(`${url}/stop`);

  expect(await service.ended).toMatchObject({ code: 0, stderr: '' });
  expect(receiver.decisions()).toEqual({ acao_missing: 1 });
});

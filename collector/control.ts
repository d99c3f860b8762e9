import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { ClickHouseClient } from '@clickhouse/client';
import { fastify } from 'fastify';
import type { Control } from './data-directory.ts';
import { OriginscopeError } from './errors.ts';
import { type Report, report } from './usage/report.ts';

/**
 * What a running process answers to the command line on the same machine: the engine allows one process a
 * directory, so a reader asks the one that has it. Its address and a secret stand in the directory's lock,
 * which only the same user can read.
 */
export interface RunningControl {
  readonly address: Control;
  close(): Promise<void>;
}

interface Question {
  readonly since: number;
  readonly until: number;
  readonly service?: string;
}

const QUESTION = {
  type: 'object',
  required: ['since', 'until'],
  additionalProperties: false,
  properties: {
    since: { type: 'integer' },
    until: { type: 'integer' },
    service: { type: 'string', maxLength: 256 },
  },
} as const;

export async function startControl(options: { readonly reading: ClickHouseClient }): Promise<RunningControl> {
  const token = randomBytes(24).toString('base64url');
  const expected = Buffer.from(`Bearer ${token}`);
  const server = fastify({ forceCloseConnections: true });
  server.addHook('onRequest', async (request, reply) => {
    const presented = Buffer.from(request.headers.authorization ?? '');
    if (presented.length !== expected.length || !timingSafeEqual(presented, expected)) {
      return reply.code(401).send();
    }
  });
  server.get<{ Querystring: Question }>('/report', { schema: { querystring: QUESTION } }, (request) =>
    report(options.reading, request.query),
  );
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  return { address: { url: `http://127.0.0.1:${port}`, token }, close: () => server.close() };
}

/**
 * Asks the process that holds a data directory.
 *
 * @throws OriginscopeError `CONTROL_FAILED`
 */
export async function askForReport(control: Control, question: Question): Promise<Report> {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(question)) parameters.set(name, String(value));
  let problem: unknown;
  try {
    const response = await fetch(`${control.url}/report?${parameters}`, {
      headers: { authorization: `Bearer ${control.token}` },
    });
    if (response.ok) return (await response.json()) as Report;
    problem = new Error(`${response.status}: ${await response.text()}`);
  } catch (cause) {
    problem = cause;
  }
  throw new OriginscopeError('CONTROL_FAILED', 'The running originscope did not answer the question', {
    cause: problem,
    retryable: true,
    remedy: 'Ask again; if it goes on, look at its log.',
  });
}

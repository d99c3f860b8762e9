import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { PassThrough, Readable } from 'node:stream';
import type { ClickHouseClient } from '@clickhouse/client';
import { fastify } from 'fastify';
import type { Control } from '../clickhouse/data-directory.ts';
import type { Verification } from '../collector/verify/verification.ts';
import { verify } from '../collector/verify/verify.ts';
import { messageOf, OriginscopeError } from '../core/errors.ts';
import { type Report, report } from '../reports/report.ts';
import { bearerCheck } from './bearer.ts';

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
  const present = bearerCheck(token);
  const server = fastify({ forceCloseConnections: true });
  server.addHook('onRequest', async (request, reply) => {
    if (present(request.headers.authorization) !== 'right') return reply.code(401).send();
  });
  server.get<{ Querystring: Question }>('/report', { schema: { querystring: QUESTION } }, (request) =>
    report(options.reading, request.query),
  );
  server.get('/verify', (_, reply) => {
    reply.type('application/x-ndjson');
    return verifyInLines(options.reading);
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  return { address: { url: `http://127.0.0.1:${port}`, token }, close: () => server.close() };
}

/** A line of the answer to a long question: how far it is, or how it ended. */
type Line =
  | { readonly fraction: number; readonly doing: string }
  | { readonly result: Verification }
  | { readonly error: string };

/** Line by line, so that who asks sees how far it is; it ends when nobody listens any more. */
function verifyInLines(reading: ClickHouseClient): Readable {
  const lines = new PassThrough();
  const leaving = new AbortController();
  const say = (line: Line): void => {
    if (!lines.destroyed) lines.write(`${JSON.stringify(line)}\n`);
  };
  lines.on('close', () => leaving.abort());
  verify(reading, {
    now: Date.now(),
    signal: leaving.signal,
    onProgress: (fraction, doing) => say({ fraction, doing }),
  })
    .then((result) => say({ result }))
    .catch((error: unknown) => say({ error: messageOf(error) }))
    .finally(() => lines.end());
  return lines;
}

/**
 * Asks the process that holds a data directory.
 *
 * @throws OriginscopeError `CONTROL_FAILED`
 */
export function askForReport(control: Control, question: Question): Promise<Report> {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(question)) parameters.set(name, String(value));
  return ask(control, `report?${parameters}`, async (response) => (await response.json()) as Report);
}

/**
 * Asks the process that holds a data directory to verify it.
 *
 * @throws OriginscopeError `CONTROL_FAILED`
 */
export function askToVerify(
  control: Control,
  onProgress: (fraction: number, doing: string) => void,
): Promise<Verification> {
  return ask(control, 'verify', async (response) => {
    if (response.body !== null) {
      for await (const text of createInterface({ input: Readable.fromWeb(response.body) })) {
        const line = JSON.parse(text) as Line;
        if ('result' in line) return line.result;
        if ('error' in line) throw new Error(line.error);
        onProgress(line.fraction, line.doing);
      }
    }
    throw new Error('The answer ended too early');
  });
}

async function ask<Answer>(
  { url, token }: Control,
  path: string,
  read: (response: Response) => Promise<Answer>,
): Promise<Answer> {
  let problem: unknown;
  try {
    const response = await fetch(`${url}/${path}`, { headers: { authorization: `Bearer ${token}` } });
    if (response.ok) return await read(response);
    problem = new Error(`${response.status}: ${await response.text()}`);
  } catch (cause) {
    problem = cause;
  }
  throw new OriginscopeError('CONTROL_FAILED', { cause: problem });
}

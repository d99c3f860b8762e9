import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { PassThrough, Readable } from 'node:stream';
import { fastify } from 'fastify';
import type { Control } from '../clickhouse/data-directory.ts';
import { type ErrorReport, errorReport, OriginscopeError, reportedError } from '../core/errors.ts';
import { bearerCheck } from './bearer.ts';

/** @param fraction 0 to 1; undefined when the end is not known */
export type OnProgress = (fraction: number | undefined, doing: string) => void;

/** How a question is answered. It may take long: progress is passed on, and the signal aborts when the client disconnects. */
export interface Question<Parameters> {
  /** JSON schema of the parameters. */
  readonly parameters: object;
  answer(parameters: Parameters, onProgress: OnProgress, signal: AbortSignal): Promise<unknown>;
}

/**
 * The endpoint through which commands on the same machine query a running process: the engine allows one process
 * per directory, so a reader asks the process that holds it. Its address and a secret stand in the directory's lock,
 * which only the same user can read.
 */
export interface RunningControl {
  readonly address: Control;
  close(): Promise<void>;
}

/** @param questions by name; each becomes `POST /<name>` with its parameters as JSON */
export async function startControl(
  questions: Readonly<Record<string, Question<never>>>,
): Promise<RunningControl> {
  const token = randomBytes(24).toString('base64url');
  const present = bearerCheck(token);
  const server = fastify({ forceCloseConnections: true });
  server.addHook('onRequest', async (request, reply) => {
    if (present(request.headers.authorization) !== 'valid') return reply.code(401).send();
  });
  for (const [name, question] of Object.entries(questions)) {
    server.post(`/${name}`, { schema: { body: question.parameters } }, ({ body }, reply) => {
      reply.type('application/x-ndjson');
      // The schema has validated it.
      return inLines(question, body as never);
    });
  }
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  return { address: { url: `http://127.0.0.1:${port}`, token }, close: () => server.close() };
}

/** A line of an answer: how far it is, or how it ended. */
type Line =
  | { readonly fraction?: number; readonly doing: string }
  | { readonly result: unknown }
  | { readonly error: ErrorReport };

/** Line by line, so that the asking process can show progress; it ends when the connection does. */
function inLines(question: Question<never>, parameters: never): Readable {
  const lines = new PassThrough();
  const disconnected = new AbortController();
  const write = (line: Line): void => {
    if (!lines.destroyed) lines.write(`${JSON.stringify(line)}\n`);
  };
  lines.on('close', () => disconnected.abort());
  question
    .answer(parameters, (fraction, doing) => write({ fraction, doing }), disconnected.signal)
    // Without a result the line would not say that the answer is complete.
    .then((result) => write({ result: result ?? null }))
    .catch((error: unknown) => write({ error: errorReport(error) }))
    .finally(() => lines.end());
  return lines;
}

/**
 * Asks the process that holds a data directory.
 *
 * @param name of the question
 * @param parameters as its schema says
 * @throws OriginscopeError the one that the answer ended with; `CONTROL_FAILED`
 */
export async function askControl(
  { url, token }: Control,
  name: string,
  parameters: object,
  onProgress: OnProgress = () => undefined,
): Promise<unknown> {
  let problem: unknown;
  try {
    const response = await fetch(`${url}/${name}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(parameters),
    });
    if (response.ok) return await resultOf(response, onProgress);
    problem = new Error(`${response.status}: ${await response.text()}`);
  } catch (cause) {
    if (cause instanceof OriginscopeError) throw cause;
    problem = cause;
  }
  throw new OriginscopeError('CONTROL_FAILED', { cause: problem });
}

async function resultOf(response: Response, onProgress: OnProgress): Promise<unknown> {
  if (response.body !== null) {
    for await (const text of createInterface({ input: Readable.fromWeb(response.body) })) {
      const line = JSON.parse(text) as Line;
      if ('result' in line) return line.result;
      if ('error' in line) throw reportedError(line.error);
      onProgress(line.fraction, line.doing);
    }
  }
  throw new Error('The answer ended too early');
}

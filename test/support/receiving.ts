import { pino } from 'pino';
import { onTestFailed, onTestFinished } from 'vitest';
import { type Receive, type ReceiveOptions, startReceive } from '../../collector/kafka/producing/receive.ts';
import { CONTENT_TYPES } from '../../collector/otlp/replies.ts';

/** Runs a receiver in front of Kafka that ends with the test at the latest; its log is shown when the test fails. */
export async function receiving(
  options: Pick<ReceiveOptions, 'kafka' | 'topic'> & Partial<ReceiveOptions>,
): Promise<Receive & { readonly lines: readonly string[] }> {
  const lines: string[] = [];
  onTestFailed(() => console.log(lines.join('')));
  const started = await startReceive({
    host: '127.0.0.1',
    port: 0,
    compression: 'zstd',
    log: pino({ base: null }, { write: (line) => void lines.push(line) }),
    now: Date.now,
    watchMillis: 200,
    ...options,
  });
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= started.close();
    return closing;
  };
  onTestFinished(close);
  return { ...started, close, lines };
}

/** An OTLP/HTTP export as a sender makes it. */
export function postTraces(
  url: string,
  body: Buffer,
  encoding: keyof typeof CONTENT_TYPES = 'protobuf',
): Promise<Response> {
  return fetch(`${url}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': CONTENT_TYPES[encoding] },
    body: new Uint8Array(body),
  });
}

import { setTimeout as delay } from 'node:timers/promises';
import { addCounts, type Batch, type Counts, makeBatch, noCounts } from './ledger.ts';
import { decisionRequest } from './otlp-bodies.ts';
import { encodeRequest, responseOf } from './otlp-schema.ts';

export interface SendersOptions {
  readonly senders: number;
  /** The receivers; each request goes to a random one. */
  readonly urls: readonly string[];
  readonly random: () => number;
  /** Between an acknowledged batch and the next one of a sender. */
  readonly pauseMillis?: number;
  /** Whether a receiver may reject spans for their time: they are sent again until one with another clock does not. */
  readonly mayBeRejected?: boolean;
}

export interface Senders {
  /** What was put into batches; when the senders are done, what was acknowledged. */
  readonly ledger: Counts;
  /** Batches that were acknowledged, and how often one was sent. */
  readonly acknowledged: number;
  readonly sends: number;
  /** Rejects on a response that senders must never get. */
  readonly failure: Promise<never>;
  /** Sends what is begun until it is acknowledged, then stops. */
  finish(): Promise<void>;
}

/** A stopped process does not respond at all. */
const ANSWER_MILLIS = 4_000;

/**
 * Senders that resend the same spans until they are acknowledged, in both encodings, to any receiver, and
 * sometimes batch a retry differently, as an OpenTelemetry Collector does.
 */
export function startSenders(options: SendersOptions): Senders {
  const { urls, random, pauseMillis = 0, mayBeRejected = false } = options;
  const ledger = noCounts();
  let acknowledged = 0;
  let sends = 0;
  let stopping = false;

  async function run(): Promise<void> {
    while (!stopping) {
      const batch = makeBatch(random);
      addCounts(ledger, batch.counts);
      await deliver(batch);
      acknowledged++;
      await delay(pauseMillis);
    }
  }

  async function deliver(batch: Pick<Batch, 'service' | 'spans'>): Promise<void> {
    const { service, spans } = batch;
    while (!(await post(batch))) {
      await delay(20);
      if (spans.length < 10 || random() < 0.8) continue;
      const half = spans.length >> 1;
      await deliver({ service, spans: spans.slice(0, half) });
      return deliver({ service, spans: spans.slice(half) });
    }
  }

  async function post({ service, spans }: Pick<Batch, 'service' | 'spans'>): Promise<boolean> {
    sends++;
    const request = decisionRequest(spans, { 'service.name': service });
    const isJson = random() < 0.5;
    const url = urls[Math.floor(random() * urls.length)];
    let response: Response;
    let answer: Buffer;
    try {
      response = await fetch(`${url}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': isJson ? 'application/json' : 'application/x-protobuf' },
        body: isJson ? JSON.stringify(request) : encodeRequest(request),
        signal: AbortSignal.timeout(ANSWER_MILLIS),
      });
      answer = Buffer.from(await response.arrayBuffer());
    } catch {
      return false; // Killed, stopped, cut off, or not up yet.
    }
    if (response.ok && isWhole(isJson ? JSON.parse(answer.toString()) : responseOf(answer))) return true;
    if (response.status === 503 || (response.ok && mayBeRejected)) return false;
    throw new Error(`unexpected answer ${response.status}: ${answer}`);
  }

  const running = Promise.all(Array.from({ length: options.senders }, run));
  const failure = new Promise<never>((_, reject) => running.catch(reject));
  failure.catch(() => undefined);
  return {
    ledger,
    get acknowledged() {
      return acknowledged;
    },
    get sends() {
      return sends;
    },
    failure,
    async finish() {
      stopping = true;
      await running;
    },
  };
}

/** Whether nothing was rejected; a Collector says so by a partial success of nothing. */
function isWhole({ partialSuccess = {} }: ReturnType<typeof responseOf>): boolean {
  return Object.keys(partialSuccess).length === 0;
}

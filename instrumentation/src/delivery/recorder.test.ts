import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import {
  type Behaviour,
  type FaultyReceiver,
  faultyReceiver,
} from '../../../test/support/faulty-receiver.ts';
import { blockedObservation, observation } from '../../../test/support/observation.ts';
import { CERT, KEY } from '../../../test/support/tls.ts';
import { type VirtualClock, virtualClock } from '../../../test/support/virtual-clock.ts';
import type { RecorderOptions } from './options.ts';
import { createRecorder } from './recorder.ts';
import type { ScheduledRecorder } from './scheduled-recorder.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const START = Date.UTC(2026, 10, 22, 12, 0, 0);
/** An unusual number, by which a pending request is recognised. */
const REQUEST_TIMEOUT = 7_777;

const minuteOf = (time: number) => Math.floor(time / MINUTE) * MINUTE;

let receiver: FaultyReceiver;
let recorder: ScheduledRecorder;
let clock: VirtualClock;
let warnings: string[];

beforeEach(async () => {
  warnings = [];
  const ignore = () => {};
  const keep = (text: string) => void warnings.push(text);
  diag.setLogger(
    { error: keep, warn: keep, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  receiver = await faultyReceiver();
  open();
});

afterEach(async () => {
  const closed = recorder.shutdown(1);
  await clock.advance(1);
  await closed;
  diag.disable();
});

function open(options: Partial<RecorderOptions> = {}, env: Record<string, string> = {}): void {
  clock = virtualClock(
    START,
    (delays) =>
      recorder.isIdle || (delays.length > 0 && (!delays.includes(REQUEST_TIMEOUT) || receiver.hanging > 0)),
  );
  recorder = createRecorder(
    { endpoint: receiver.url, timeoutMillis: REQUEST_TIMEOUT, ...options },
    { env, clock, random: () => 0.5, process: null },
  );
}

/** Records traffic of two keys every second and returns the number of decisions. */
async function traffic(seconds: number): Promise<number> {
  for (let second = 0; second < seconds; second++) {
    for (let n = 0; n < 5; n++) recorder.record(observation({ time: clock.now() + n }));
    recorder.record(blockedObservation({ time: clock.now() }));
    await clock.advance(SECOND);
  }
  return seconds * 6;
}

/** After all faults, everything must have arrived, and the running total must agree. */
async function expectExactly(decisions: number): Promise<void> {
  receiver.behave(() => 'accept');
  const flushed = recorder.flush();
  await clock.settle();
  await flushed;
  expect(receiver.decisions).toBe(decisions);
  expect(Math.max(...[...receiver.spans.values()].map(({ total }) => total))).toBe(decisions);
  expect(recorder.lost).toEqual({});
  expect(recorder.isIdle).toBe(true);
}

describe('every decision is counted once', () => {
  test('without faults, with at most one request per second', async () => {
    const recorded = await traffic(60);
    expect(receiver.bodies.length).toBeLessThanOrEqual(61);
    await expectExactly(recorded);
  });

  test('through an outage of five minutes, each in its own minute', async () => {
    let recorded = await traffic(30);
    receiver.behave(() => 'break');
    recorded += await traffic(5 * 60);
    receiver.behave(() => 'accept');
    recorded += await traffic(30);
    await expectExactly(recorded);
    const byMinute = new Map<number, number>();
    for (const { start, decisions } of receiver.spans.values()) {
      byMinute.set(minuteOf(start), (byMinute.get(minuteOf(start)) ?? 0) + decisions);
    }
    expect([...byMinute.values()]).toEqual(Array(6).fill(360));
    expect(warnings).toEqual([expect.stringContaining('does not accept decision spans')]);
  });

  test('through an outage of half an hour, from the eleventh minute on in the oldest one that waits', async () => {
    receiver.behave(() => 'break');
    let recorded = 0;
    for (let minute = 0; minute < 30; minute++) {
      for (let n = 0; n < 3; n++, recorded++) recorder.record(observation({ time: clock.now() }));
      await clock.advance(MINUTE);
    }
    await expectExactly(recorded);
    const minutes = new Set([...receiver.spans.values()].map(({ start }) => minuteOf(start)));
    expect(minutes.size).toBeLessThanOrEqual(12);
    expect(Math.max(...minutes)).toBeLessThanOrEqual(START + 11 * MINUTE);
  });

  test.each<[string, Behaviour]>([
    ['lost answers', 'keep_and_break'],
    ['500 after acceptance', { status: 500, isKept: true }],
    ['503 with Retry-After', { status: 503, headers: { 'retry-after': '30' } }],
    ['502 from a proxy', { status: 502 }],
    ['429', { status: 429, headers: { 'retry-after': 'Sun, 22 Nov 2026 12:01:00 GMT' } }],
    ['408', { status: 408 }],
  ])('through %s', async (_, behaviour) => {
    receiver.behave(() => (receiver.bodies.length % 3 === 0 ? 'accept' : behaviour));
    await expectExactly(await traffic(90));
  });

  test('through a receiver that never answers', async () => {
    receiver.behave(() => 'hang');
    recorder.record(observation({ time: START }));
    await clock.advance(SECOND);
    expect(receiver.hanging).toBe(1);
    receiver.behave(() => 'accept');
    await clock.advance(REQUEST_TIMEOUT);
    await expectExactly(1);
  });

  test('when bodies are too large for the receiver', async () => {
    receiver.behave((spans) => (spans > 10 ? { status: 413 } : 'accept'));
    for (let n = 0; n < 100; n++) {
      recorder.record(observation({ time: START }, { origin: `https://${n}.example` }));
    }
    await clock.advance(2 * SECOND);
    await expectExactly(100);
    expect(receiver.spans.size).toBe(100);
  });
});

describe('a body', () => {
  test('is sent again with the same bytes until it is accepted', async () => {
    receiver.behave(() => (receiver.bodies.length < 4 ? 'keep_and_break' : 'accept'));
    recorder.record(observation({ time: START }));
    await clock.advance(10 * SECOND);
    expect(receiver.bodies).toHaveLength(4);
    for (const body of receiver.bodies) expect(body.equals(receiver.bodies[0] ?? Buffer.of())).toBe(true);
    await expectExactly(1);
  });

  test('is the only one in flight: later decisions are kept as counts', async () => {
    receiver.behave(() => 'break');
    const recorded = await traffic(60);
    const [first] = receiver.bodies;
    expect(receiver.bodies.length).toBeGreaterThan(5);
    for (const body of receiver.bodies) expect(body.equals(first ?? Buffer.of())).toBe(true);
    await expectExactly(recorded);
  });

  test('holds at most 512 spans', async () => {
    open({ intervalMillis: 0 });
    const sizes: number[] = [];
    receiver.behave((spans) => {
      sizes.push(spans);
      return 'accept';
    });
    for (let n = 0; n < 1_200; n++) recorder.record(observation({ time: START }));
    await clock.advance(0);
    expect(sizes).toEqual([512, 512, 176]);
    await expectExactly(1_200);
  });
});

describe('a receiver that sends Retry-After', () => {
  test.each([
    ['30', 30 * SECOND],
    ['Sun, 22 Nov 2026 12:00:31 GMT', 30 * SECOND],
    ['86400', 60 * SECOND],
  ])('with %s gets no request for that long, at most a minute', async (retryAfter, pause) => {
    receiver.behave(() => ({ status: 503, headers: { 'retry-after': retryAfter } }));
    recorder.record(observation({ time: START }));
    await clock.advance(SECOND + pause - 1);
    expect(receiver.bodies).toHaveLength(1);
    await clock.advance(1);
    expect(receiver.bodies).toHaveLength(2);
    await expectExactly(1);
  });

  test.each(['0', 'Sun, 22 Nov 2026 11:00:00 GMT', 'soon'])(
    'with %s is not retried in a tight loop',
    async (retryAfter) => {
      receiver.behave(() => ({ status: 503, headers: { 'retry-after': retryAfter } }));
      recorder.record(observation({ time: START }));
      await clock.advance(20 * SECOND);
      expect(receiver.bodies.length).toBeLessThan(12);
      await expectExactly(1);
    },
  );

  test('is retried immediately on flush', async () => {
    receiver.behave(() => ({ status: 503, headers: { 'retry-after': '60' } }));
    recorder.record(observation({ time: START }));
    await clock.advance(SECOND);
    await expectExactly(1);
    expect(clock.now()).toBe(START + SECOND);
  });
});

describe('what cannot be delivered is counted and logged once, with what to do', () => {
  test.each([
    [401, 'Authorization'],
    [403, 'Authorization'],
    [404, 'ORIGINSCOPE_ENDPOINT'],
    [400, 'ORIGINSCOPE_ENDPOINT'],
    [301, 'ORIGINSCOPE_ENDPOINT'],
  ])('when the receiver responds with %i', async (status, remedy) => {
    receiver.behave(() => ({ status }));
    await traffic(3);
    await recorder.flush();
    expect(recorder.lost).toEqual({ refused: 18 });
    expect(receiver.bodies).toHaveLength(4);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(remedy);
  });

  test('when the receiver rejects some of the spans, with its reason made safe to display', async () => {
    const body = JSON.stringify({ partialSuccess: { rejectedSpans: '2', errorMessage: 'too old\u001b[2J' } });
    receiver.behave(() => ({ status: 200, isKept: true, body }));
    await traffic(2);
    expect(recorder.lost).toEqual({ rejected: 4 });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('too old\\x1b[2J');
  });

  test('when a single span is too large', async () => {
    receiver.behave(() => ({ status: 413 }));
    await traffic(1);
    expect(recorder.lost).toEqual({ refused: 6 });
  });

  test('when it is observed after the shutdown', async () => {
    await recorder.shutdown();
    recorder.record(observation({ time: START }));
    expect(recorder.lost).toEqual({ after_shutdown: 1 });
  });

  test('when the receiver is unreachable until the shutdown', async () => {
    receiver.behave(() => 'break');
    const recorded = await traffic(30);
    const closed = recorder.shutdown(3 * SECOND);
    await clock.advance(3 * SECOND);
    await closed;
    await clock.settle();
    expect(recorder.lost).toEqual({ unsent: recorded });
  });
});

describe('flush', () => {
  test('sends what is not due yet', async () => {
    recorder.record(observation({ time: START }));
    await clock.advance(SECOND);
    recorder.record(observation({ time: clock.now() }));
    await expectExactly(2);
  });

  test('after a long outage does not wait for the long pauses that it led to', async () => {
    receiver.behave(() => 'break');
    const recorded = await traffic(60);
    const flushed = recorder.flush(3 * SECOND);
    await clock.advance(SECOND);
    receiver.behave(() => 'accept');
    await clock.advance(SECOND);
    await flushed;
    expect(receiver.decisions).toBe(recorded);
  });

  test('ends when its time is up', async () => {
    receiver.behave(() => 'hang');
    recorder.record(observation({ time: START }));
    const flushed = recorder.flush(2 * SECOND);
    await clock.advance(2 * SECOND);
    await flushed;
    expect(receiver.decisions).toBe(0);
    receiver.behave(() => 'accept');
    await clock.advance(REQUEST_TIMEOUT);
    await expectExactly(1);
  });

  test('by several at once sends everything once', async () => {
    recorder.record(observation({ time: START }));
    await Promise.all([recorder.flush(), recorder.flush(), recorder.flush()]);
    expect(receiver.bodies).toHaveLength(1);
    await expectExactly(1);
  });

  test('with nothing to send sends nothing', async () => {
    await recorder.flush();
    expect(receiver.bodies).toEqual([]);
  });
});

test('a request carries the headers of the environment, and never those that the body needs otherwise', async () => {
  open(
    { endpoint: undefined },
    {
      OTEL_EXPORTER_OTLP_ENDPOINT: `${receiver.url}/base/`,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20secret,content-type=text/plain',
    },
  );
  recorder.record(observation({ time: START }));
  await recorder.flush();
  expect(receiver.requests[0]).toMatchObject({
    url: '/base/v1/traces',
    headers: {
      authorization: 'Bearer secret',
      'content-type': 'application/json',
      'content-encoding': 'gzip',
    },
  });
});

test('an https receiver is trusted when the environment names its certificate, else sent nothing', async () => {
  receiver = await faultyReceiver({ cert: CERT, key: KEY });
  const directory = mkdtempSync(join(tmpdir(), 'originscope-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'ca.pem'), CERT);
  open();
  recorder.record(observation({ time: START }));
  await clock.advance(10 * SECOND);
  expect(receiver.bodies).toEqual([]);
  open({}, { OTEL_EXPORTER_OTLP_CERTIFICATE: join(directory, 'ca.pem') });
  recorder.record(observation({ time: START }));
  await clock.advance(SECOND);
  await expectExactly(1);
});

test('recording never throws, whatever it is given and whatever logger is there', () => {
  const fail = () => {
    throw new Error('logger');
  };
  diag.setLogger(
    { error: fail, warn: fail, info: fail, debug: fail, verbose: fail },
    { suppressOverrideMessage: true },
  );
  expect(() => recorder.record({} as never)).not.toThrow();
  expect(() => recorder.record(undefined as never)).not.toThrow();
});

import { decodeTraces, type Encoding } from '../../collector/otlp/decode.ts';
import { acceptedWindow } from '../../collector/otlp/decoding-result.ts';
import { protobufBodies, realisticRequest, seeded } from '../support/otlp-bodies.ts';
import { requestOf } from '../support/otlp-schema.ts';
import { middle } from './support/spread.ts';

const SPANS = 200;
const GOAL = 500_000;

type Decode = (body: Buffer) => number;

/** Spans a second of CPU time, in each of five rounds; the decoders take turns, so that a slow minute is everybody's. */
function rates(
  decoders: readonly { decode: Decode; bodies: readonly Buffer[]; spans: number }[],
): number[][] {
  const found: number[][] = decoders.map(() => []);
  for (let round = 0; round < 5; round++) {
    for (const [index, { decode, bodies, spans }] of decoders.entries()) {
      const before = process.cpuUsage();
      let decoded = 0;
      while (decoded < spans) for (const body of bodies) decoded += decode(body);
      const { user, system } = process.cpuUsage(before);
      found[index]?.push((decoded / (user + system)) * 1e6);
    }
  }
  return found;
}

/** `npm run bench -- decode`: bodies of 200 decision spans, 20 services, about 50 different decisions each. */
export async function run(): Promise<void> {
  const now = Date.now();
  const window = acceptedWindow(now);
  const next = protobufBodies({ services: 20, spans: SPANS });
  const bodies = Array.from({ length: 100 }, () => next(now));
  const json = [
    Buffer.from(JSON.stringify(realisticRequest({ random: seeded(1), time: now, spans: SPANS }))),
  ];
  const ours =
    (encoding: Encoding): Decode =>
    (body) =>
      decodeTraces(body, encoding, window).spans.length;
  const names = ['protobuf', 'json', 'protobufjs'];
  const found = rates([
    { decode: ours('protobuf'), bodies, spans: 500_000 },
    { decode: ours('json'), bodies: json, spans: 100_000 },
    // The peer only reads; it makes no rows and judges nothing.
    {
      decode: (body) => requestOf(body).resourceSpans?.[0]?.scopeSpans?.[0]?.spans?.length ?? 0,
      bodies,
      spans: 100_000,
    },
  ]);
  const medians = found.map(middle);
  for (const [index, rounds] of found.entries()) {
    const text = [Math.min(...rounds), medians[index] ?? 0, Math.max(...rounds)]
      .map((rate) => Math.round(rate / 1000).toLocaleString('en'))
      .join(' / ');
    console.log(
      `${(names[index] ?? '').padEnd(10)} ${text} thousand spans a CPU second (min / median / max of 5)`,
    );
  }
  console.log(
    `goal for protobuf: ${GOAL.toLocaleString('en')}; against protobufjs: × ${((medians[0] ?? 0) / (medians[2] ?? 1)).toFixed(1)}`,
  );
}

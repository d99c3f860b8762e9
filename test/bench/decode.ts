import { decodeTraces, type Encoding } from '../../collector/otlp/decode.ts';
import { acceptedWindow } from '../../collector/otlp/decoded.ts';
import { protobufBodies, realisticRequest, seeded } from '../support/otlp-bodies.ts';

const SPANS = 200;
const GOAL = 500_000;

/** Spans a second of CPU time that `decodeTraces` reads, the best of five rounds. */
function rate(bodies: readonly Buffer[], encoding: Encoding, now: number, spansARound: number): number {
  const window = acceptedWindow(now);
  let best = 0;
  for (let round = 0; round < 5; round++) {
    const before = process.cpuUsage();
    let spans = 0;
    while (spans < spansARound) {
      for (const body of bodies) spans += decodeTraces(body, encoding, window).spans.length;
    }
    const { user, system } = process.cpuUsage(before);
    best = Math.max(best, (spans / (user + system)) * 1e6);
  }
  return best;
}

/** `npm run bench -- decode`: bodies of 200 decision spans, 20 services, about 50 different decisions each. */
export async function run(): Promise<void> {
  const now = Date.now();
  const next = protobufBodies({ services: 20, spans: SPANS });
  const bodies = Array.from({ length: 100 }, () => next(now));
  const request = realisticRequest({ random: seeded(1), time: now, spans: SPANS });
  const json = Buffer.from(JSON.stringify(request));

  const figures: [Encoding, readonly Buffer[], number][] = [
    ['protobuf', bodies, 1_000_000],
    ['json', [json], 100_000],
  ];
  for (const [encoding, input, spansARound] of figures) {
    const bytes = input.reduce((sum, body) => sum + body.length, 0) / input.length / SPANS;
    const spans = Math.round(rate(input, encoding, now, spansARound));
    const goal = encoding === 'protobuf' ? ` (goal ${GOAL.toLocaleString('en')})` : '';
    console.log(
      `${encoding.padEnd(8)} ${spans.toLocaleString('en')} spans/s a core${goal}, ${Math.round(bytes)} bytes a span`,
    );
  }
}

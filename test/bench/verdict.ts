import { decideObserved } from '../../instrumentation/src/fetch-standard/decide.ts';
import { readHeaderBlock, readRawHeaders } from '../../instrumentation/src/fetch-standard/header-list.ts';
import { middle, spread } from './support/spread.ts';

const ROUNDS = 9;
const DECISIONS = 300_000;

const ASKED = [
  'Host',
  'api.example.com',
  'Connection',
  'keep-alive',
  'sec-ch-ua',
  '"Chromium";v="156"',
  'User-Agent',
  'Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
  'Accept',
  '*/*',
  'Origin',
  'https://shop.example',
  'Sec-Fetch-Site',
  'cross-site',
  'Sec-Fetch-Mode',
  'cors',
  'Sec-Fetch-Dest',
  'empty',
  'Referer',
  'https://shop.example/',
  'Accept-Encoding',
  'gzip, deflate, br, zstd',
  'Accept-Language',
  'en-GB,en;q=0.9',
];
const QUESTION = [
  'Access-Control-Request-Method',
  'PUT',
  'Access-Control-Request-Headers',
  'authorization,content-type,traceparent',
];

const answer = (...lines: string[]): string =>
  [
    'HTTP/1.1 200 OK',
    'Content-Type: application/json; charset=utf-8',
    ...lines,
    'Content-Length: 27',
    'Date: Sun, 22 Nov 2026 12:00:00 GMT',
    'Connection: keep-alive',
    'Keep-Alive: timeout=72',
    '',
    '',
  ].join('\r\n');
const ALLOW = [
  'Access-Control-Allow-Origin: https://shop.example',
  'Vary: Origin',
  'Access-Control-Allow-Credentials: true',
];

/** As the hooks have them: Node's flat request headers, and the response's block as it was sent. */
const EXCHANGES = {
  'request, allowed': { method: 'GET', request: ASKED, response: answer(...ALLOW) },
  'request, blocked': { method: 'GET', request: ASKED, response: answer() },
  'preflight, allowed': {
    method: 'OPTIONS',
    request: [...ASKED, ...QUESTION],
    response: answer(
      ...ALLOW,
      'Access-Control-Allow-Methods: GET, PUT, DELETE',
      'Access-Control-Allow-Headers: authorization, content-type, traceparent',
      'Access-Control-Max-Age: 600',
    ),
  },
  'preflight, header blocked': {
    method: 'OPTIONS',
    request: [...ASKED, ...QUESTION],
    response: answer(
      ...ALLOW,
      'Access-Control-Allow-Methods: GET, PUT, DELETE',
      'Access-Control-Allow-Headers: authorization, content-type',
    ),
  },
} as const;

/**
 * `npm run bench -- verdict`: CPU time of a decision, reading of the headers included. The baseline only reads:
 * the platform's `Headers`, filled with the same headers.
 */
export async function run(): Promise<void> {
  const context = { ownOrigin: { scheme: 'https', host: 'api.example.com' } } as const;
  console.log('µs of CPU a decision, min / median / max of 9 rounds (goal ≤ 1.5 for a request)');
  for (const [name, { method, request, response }] of Object.entries(EXCHANGES)) {
    const decide = () =>
      decideObserved(
        {
          method,
          url: '/orders/17',
          status: 200,
          requestHeaders: readRawHeaders(request),
          responseHeaders: readHeaderBlock(response),
        },
        context,
      ).verdict.length;
    const lines = response
      .split('\r\n')
      .slice(1, -2)
      .map((line) => line.split(': ', 2) as [string, string]);
    const pairs = Array.from(
      { length: request.length / 2 },
      (_, index) => request.slice(index * 2, index * 2 + 2) as [string, string],
    );
    const read = () =>
      (new Headers(pairs).get('origin')?.length ?? 0) + (new Headers(lines).get('vary')?.length ?? 0);
    const ours = rounds(decide);
    const baseline = rounds(read, DECISIONS / 10);
    console.log(
      `  ${name.padEnd(26)} ${spread(ours)}   Headers alone ${spread(baseline)}   ratio ${(middle(ours) / middle(baseline)).toFixed(2)}`,
    );
  }
}

function rounds(work: () => number, times = DECISIONS): number[] {
  let kept = 0;
  const micros = Array.from({ length: ROUNDS + 1 }, () => {
    const before = process.cpuUsage();
    for (let i = 0; i < times; i++) kept += work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / times;
  });
  if (kept === 0) throw new Error('nothing was done');
  // The first round is for the compiler.
  return micros.slice(1);
}

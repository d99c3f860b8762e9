import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { createAnalysis } from '../../analyzer/incident-analysis.ts';
import type { UsageRow } from '../../analyzer/input/usage-row.ts';
import { createRandom } from '../scenarios/random.ts';

const MINUTE = 60_000;
const START = Date.UTC(2026, 8, 7);
const ORIGINS_OF_A_SERVICE = 100;

/**
 * A tick over many series: each is the decisions of one origin of one service, busy enough to have a season of its own.
 * Ticks in the middle of a quarter hour, and the first one of it, in which all baselines are computed anew.
 */
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { series: { type: 'string', default: '1000,10000,30000,100000' } },
  });
  console.log(`load average ${loadavg()[0]?.toFixed(1)}`);
  console.log('  series   tick ms: p50 / most   first of a quarter hour   resident MiB');
  for (const series of values.series.split(',').map(Number)) measure(series);
}

function measure(series: number): void {
  const analysis = createAnalysis();
  const random = createRandom(`${series}`);
  let minute = START;
  const rowsAt = (decisions: number): UsageRow[] =>
    Array.from({ length: series }, (_, index) => rowOf(index, minute, random.poisson(decisions)));
  // Two days of history, by the quarter hour: what is counted in it makes the same baselines.
  for (; minute < START + 2 * 1440 * MINUTE; minute += MINUTE) {
    const isCounted = minute % (15 * MINUTE) === 0;
    analysis.tick({ minute, rows: isCounted ? rowsAt(30) : [] });
  }
  const times: number[] = [];
  const firsts: number[] = [];
  for (let tick = 0; tick < 31; tick++, minute += MINUTE) {
    const rows = rowsAt(2);
    const before = performance.now();
    analysis.tick({ minute, rows });
    (minute % (15 * MINUTE) === 0 ? firsts : times).push(performance.now() - before);
  }
  times.sort((a, b) => a - b);
  const text = (millis: number | undefined): string => (millis ?? Number.NaN).toFixed(0);
  const resident = Math.round(process.memoryUsage().rss / 2 ** 20);
  console.log(
    `  ${String(series).padStart(6)}   ${text(times[Math.floor(times.length / 2)])} / ${text(times.at(-1))}                  ${text(Math.max(...firsts))}                        ${resident}`,
  );
}

function rowOf(index: number, minute: number, decisions: number): UsageRow {
  const service = Math.floor(index / ORIGINS_OF_A_SERVICE);
  return {
    minute,
    service: `service-${service}`,
    environment: 'production',
    version: '1.0.0',
    route: '/v1/items',
    kind: 'actual',
    verdict: 'allowed',
    reason: '',
    detail: '',
    origin: `https://app-${index}.example`,
    method: 'GET',
    requestedHeaders: '',
    credentials: 'included',
    allowOrigin: 'exact',
    allowCredentials: true,
    varyOrigin: true,
    browser: true,
    statusCode: 200,
    decisions: decisions + 1,
    clientsHigh: 0xff,
    clientsLow: 0xffff,
  };
}

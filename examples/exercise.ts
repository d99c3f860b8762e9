import type { ServiceUrls } from './browsers/calls.ts';
import { startChromium } from './browsers/chromium.ts';
import { Ledger } from './browsers/ledger.ts';
import { browse } from './browsers/traffic.ts';
import { startServices } from './services.ts';

export interface ExerciseOptions {
  /** The receiver of the services' spans. */
  readonly collectorUrl: string;
  readonly millis: number;
  /** Aborts it early. */
  readonly signal: AbortSignal;
  /** Whether to use real pages if Chromium is installed. */
  readonly realPages: boolean;
  /** Called periodically. @param elapsed milliseconds of traffic */
  readonly onProgress?: (elapsed: number, ledger: Ledger) => void;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export interface Exercise {
  /** The results of the browsers. */
  readonly ledger: Ledger;
  /** The URLs of the services. */
  readonly urls: ServiceUrls;
  readonly hadRealPages: boolean;
}

const THINK_MILLIS = 40;
/** Three pages should not outweigh eight browsers. */
const REAL_THINK_MILLIS = 250;
const PROGRESS_MILLIS = 200;

/**
 * Starts the services, lets browsers use them for a while, and stops them; when it resolves, they have
 * reported everything.
 *
 * @throws Error when a service does not start, or a request gets no response
 */
export async function exercise(options: ExerciseOptions): Promise<Exercise> {
  const { collectorUrl, millis, signal, onProgress, now } = options;
  const services = await startServices(collectorUrl);
  process.once('exit', services.kill);
  try {
    const chromium = options.realPages ? await startChromium() : undefined;
    try {
      const ledger = new Ledger();
      const started = now();
      const progress = setInterval(() => onProgress?.(now() - started, ledger), PROGRESS_MILLIS);
      const traffic = {
        services: services.urls,
        ledger,
        thinkMillis: THINK_MILLIS,
        signal: AbortSignal.any([signal, AbortSignal.timeout(millis)]),
        now,
      };
      try {
        await Promise.all([
          browse(traffic),
          chromium?.browse({ ...traffic, thinkMillis: REAL_THINK_MILLIS }),
        ]);
      } finally {
        clearInterval(progress);
      }
      return { ledger, urls: services.urls, hadRealPages: chromium !== undefined };
    } finally {
      await chromium?.close();
    }
  } finally {
    await services.stop();
    process.removeListener('exit', services.kill);
  }
}

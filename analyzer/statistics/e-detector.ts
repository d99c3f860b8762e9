/**
 * A Shiryaev–Roberts e-detector for counts (Shin, Ramdas, Rinaldo 2024): it adds up evidence over ticks that a count
 * changed, and under the null raises at most one alarm in `averageRunLength` ticks. The null: no heavier than a negative
 * binomial with this mean and dispersion, so the bound is as good as the bound of the baseline given as mean: an upper
 * one for rises, a lower one for falls.
 */
export interface EDetector {
  /** @returns whether the alarm is raised; the detector begins anew then */
  observe(count: number, mean: number, dispersion: number): boolean;
  reset(): void;
}

export interface EDetectorOptions {
  /** Changes looked for, as factors of the mean, each with the same weight. */
  readonly factors?: readonly number[];
  /** The evidence of one tick is capped so that an alarm needs about so many; what lasts shorter raises none. */
  readonly leastTicks?: number;
}

const RISES: readonly number[] = [1.5, 2, 3, 5, 10, 30, 100];
export const FALLS: readonly number[] = [0.7, 0.5, 0.25, 0.1];

export function createEDetector(
  averageRunLength: number,
  { factors = RISES, leastTicks = 1 }: EDetectorOptions = {},
): EDetector {
  const threshold = Math.log(averageRunLength);
  const logWeight = -Math.log(factors.length);
  const mostPerTick = leastTicks <= 1 ? Number.POSITIVE_INFINITY : (threshold - logWeight + 1) / leastTicks;
  const logs = new Float64Array(factors.length).fill(Number.NEGATIVE_INFINITY);
  return {
    observe(count, mean, dispersion) {
      for (let index = 0; index < factors.length; index++) {
        const factor = factors[index] ?? 1;
        const before = logs[index] ?? Number.NEGATIVE_INFINITY;
        // R ← (1 + R) · E, in logarithms.
        const onePlus = before > 0 ? before + Math.log1p(Math.exp(-before)) : Math.log1p(Math.exp(before));
        logs[index] = onePlus + Math.min(mostPerTick, logLikelihoodRatio(count, mean, dispersion, factor));
      }
      if (logWeight + logSum(logs) < threshold) return false;
      this.reset();
      return true;
    },
    reset() {
      logs.fill(Number.NEGATIVE_INFINITY);
    },
  };
}

function logLikelihoodRatio(count: number, mean: number, dispersion: number, factor: number): number {
  if (dispersion <= 1 + 1e-9) return count * Math.log(factor) - mean * (factor - 1);
  const size = mean / (dispersion - 1);
  const perCount = Math.log((factor * (mean + size)) / (factor * mean + size));
  return perCount * count + size * Math.log((size + mean) / (size + factor * mean));
}

function logSum(logs: Float64Array): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const log of logs) if (log > most) most = log;
  if (most === Number.NEGATIVE_INFINITY) return most;
  let sum = 0;
  for (const log of logs) sum += Math.exp(log - most);
  return most + Math.log(sum);
}

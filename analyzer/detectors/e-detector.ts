/**
 * A Shiryaev–Roberts e-detector for counts (Shin, Ramdas, Rinaldo 2024): it adds up evidence over ticks that a count
 * rose, and under the null raises at most one alarm in `averageRunLength` ticks. The null: no heavier than a negative
 * binomial with this mean and dispersion, so the bound is as good as the upper bound of the baseline given as mean.
 */
export interface EDetector {
  /** @returns whether the alarm is raised; the detector begins anew then */
  observe(count: number, mean: number, dispersion: number): boolean;
  /** Natural logarithm of the evidence; an alarm is raised at the logarithm of the average run length. */
  readonly logEvidence: number;
  reset(): void;
}

/** Rises looked for, each with the same weight. */
const RISES = [1.5, 2, 3, 5, 10, 30, 100] as const;
const LOG_WEIGHT = -Math.log(RISES.length);

export function createEDetector(averageRunLength: number): EDetector {
  const threshold = Math.log(averageRunLength);
  const logs = new Float64Array(RISES.length).fill(Number.NEGATIVE_INFINITY);
  let logEvidence = Number.NEGATIVE_INFINITY;
  return {
    get logEvidence() {
      return logEvidence;
    },
    observe(count, mean, dispersion) {
      for (const [index, rise] of RISES.entries()) {
        const before = logs[index] ?? Number.NEGATIVE_INFINITY;
        // R ← (1 + R) · E, in logarithms.
        const onePlus = before > 0 ? before + Math.log1p(Math.exp(-before)) : Math.log1p(Math.exp(before));
        logs[index] = onePlus + logLikelihoodRatio(count, mean, dispersion, rise);
      }
      logEvidence = LOG_WEIGHT + logSum(logs);
      if (logEvidence < threshold) return false;
      this.reset();
      return true;
    },
    reset() {
      logs.fill(Number.NEGATIVE_INFINITY);
      logEvidence = Number.NEGATIVE_INFINITY;
    },
  };
}

function logLikelihoodRatio(count: number, mean: number, dispersion: number, rise: number): number {
  if (dispersion <= 1 + 1e-9) return count * Math.log(rise) - mean * (rise - 1);
  const size = mean / (dispersion - 1);
  const perCount = Math.log((rise * (mean + size)) / (rise * mean + size));
  return perCount * count + size * Math.log((size + mean) / (size + rise * mean));
}

function logSum(logs: Float64Array): number {
  const most = Math.max(...logs);
  if (most === Number.NEGATIVE_INFINITY) return most;
  let sum = 0;
  for (const log of logs) sum += Math.exp(log - most);
  return most + Math.log(sum);
}

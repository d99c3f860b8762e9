import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import type { Thresholds, Unit } from '../definitions/definition.ts';

/** Grafana's names of our units. */
export const UNITS: Readonly<Record<Unit, string>> = {
  count: 'short',
  per_minute: 'cpm',
  ratio: 'percentunit',
  factor: 'none',
  seconds: 's',
  bytes: 'bytes',
  status: 'none',
  text: 'string',
  time: 'dateTimeAsSystem',
};

/** Decimals where Grafana's own choice would be noise. */
export const DECIMALS: Partial<Readonly<Record<Unit, number>>> = { ratio: 1, factor: 1, status: 0 };

export function thresholdsOf(thresholds: Thresholds | undefined): dashboard.ThresholdsConfigBuilder {
  return new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps(stepsOf(thresholds));
}

function stepsOf(thresholds: Thresholds | undefined): dashboard.Threshold[] {
  if (thresholds === undefined) return [{ value: null, color: 'text' }];
  const { warning, critical, below = false } = thresholds;
  if (below) {
    return [
      { value: null, color: 'red' },
      { value: critical, color: 'orange' },
      { value: warning, color: 'green' },
    ];
  }
  const first = { value: null, color: 'green' };
  if (warning === critical) return [first, { value: critical, color: 'red' }];
  return [first, { value: warning, color: 'orange' }, { value: critical, color: 'red' }];
}

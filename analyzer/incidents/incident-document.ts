import type { Signal } from '../detectors/detection.ts';
import type { Incident } from './incident.ts';

type Times = 'startedAt' | 'detectedAt' | 'resolvedAt' | 'signals';

/** An incident as JSON: as it is stored and as `originscope backtest --json` prints it. Times are RFC 3339. */
export interface IncidentDocument extends Omit<Incident, Times> {
  readonly startedAt: string;
  readonly detectedAt: string;
  readonly resolvedAt: string | null;
  readonly signals: readonly (Omit<Signal, 'since' | 'at'> & {
    readonly since: string;
    readonly at: string;
  })[];
}

export function documentOf(incident: Incident): IncidentDocument {
  const { startedAt, detectedAt, resolvedAt, signals, ...rest } = incident;
  return {
    ...rest,
    startedAt: rfc3339(startedAt),
    detectedAt: rfc3339(detectedAt),
    resolvedAt: resolvedAt === undefined ? null : rfc3339(resolvedAt),
    signals: signals.map(({ since, at, ...signal }) => ({
      ...signal,
      since: rfc3339(since),
      at: rfc3339(at),
    })),
  };
}

function rfc3339(time: number): string {
  return new Date(time).toISOString();
}

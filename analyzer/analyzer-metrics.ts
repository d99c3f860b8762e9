import type { Registry } from 'prom-client';
import { counter, gauge } from '../server/readings.ts';
import type { AnalyzerCounters } from './analyzer.ts';

export function analyzerMetrics(registry: Registry, counters: Readonly<AnalyzerCounters>): void {
  counter(registry, 'originscope_analyzer_ticks_total', 'Minutes that were analyzed', () => counters.ticks);
  counter(
    registry,
    'originscope_analyzer_failures_total',
    'Attempts to analyze a minute that failed; it is analyzed later',
    () => counters.failures,
  );
  gauge(
    registry,
    'originscope_analyzer_lag_seconds',
    'Time since the end of the last analyzed minute; 0 before the first',
    () => (counters.analyzedUntil === 0 ? 0 : (Date.now() - counters.analyzedUntil) / 1_000),
  );
  gauge(
    registry,
    'originscope_analyzer_tick_seconds',
    'Duration of the last tick',
    () => counters.tickMillis / 1_000,
  );
  gauge(registry, 'originscope_analyzer_calls', 'Kinds of calls that are watched', () => counters.calls);
  gauge(
    registry,
    'originscope_analyzer_open_incidents',
    'Incidents that are open',
    () => counters.openIncidents,
  );
}

import { CONFIGURATION, type Configuration } from './configuration.ts';
import type { Detection } from './detectors/detection.ts';
import { detectFlips } from './detectors/flip.ts';
import { MisconfigurationWatch } from './detectors/misconfiguration.ts';
import { NewBlockDetector } from './detectors/new-block.ts';
import { BlockRates } from './detectors/block-rates.ts';
import { StrangerWatch } from './detectors/strangers.ts';
import { detectIncompleteness, TelemetryGapWatch } from './detectors/telemetry-gap.ts';
import { VolumeWatch } from './detectors/volume.ts';
import { observe } from './history/observe.ts';
import { Scope, SUSPECT } from './history/scope.ts';
import type { Incident } from './incidents/incident.ts';
import { Tracker } from './incidents/tracker.ts';
import type { IncidentVerdict } from './incidents/incident-verdict.ts';
import type { CompletenessRow, UsageRow } from './input/usage-row.ts';

export interface Minute {
  /** Start, epoch milliseconds. */
  readonly minute: number;
  readonly rows: readonly UsageRow[];
  /** Of hours that have ended since the last minute. */
  readonly completeness?: readonly CompletenessRow[];
  readonly verdicts?: readonly IncidentVerdict[];
}

/**
 * Incidents as a function of what is given, minute by minute: settled data, people's verdicts, configuration. It reads
 * no clock and no database.
 */
export interface Analysis {
  /** Minutes in order, none left out. @returns incidents that are open, or were resolved in this minute */
  tick(minute: Minute): Incident[];
  /** Number of services and environments, and of series. */
  readonly size: { readonly scopes: number; readonly origins: number; readonly calls: number };
}

export function createAnalysis(configuration: Configuration = CONFIGURATION): Analysis {
  const watches = new Map<string, ScopeWatch>();
  return {
    get size() {
      const scopes = [...watches.values()].map(({ scope }) => scope);
      const sum = (of: (scope: Scope) => number): number => scopes.reduce((all, scope) => all + of(scope), 0);
      return {
        scopes: scopes.length,
        origins: sum(({ origins }) => origins.size),
        calls: sum(({ calls }) => calls.size),
      };
    },
    tick({ minute, rows, completeness = [], verdicts = [] }) {
      const byScope = new Map<string, UsageRow[]>();
      for (const row of rows) {
        const key = `${row.service}\n${row.environment}`;
        const known = byScope.get(key);
        if (known === undefined) byScope.set(key, [row]);
        else known.push(row);
        if (!watches.has(key)) watches.set(key, watchScope(row, configuration));
      }
      const closed = verdicts.flatMap((verdict) =>
        [...watches.values()].flatMap((watch) => watch.close(verdict) ?? []),
      );
      const changed = [...watches].flatMap(([key, watch]) =>
        watch.tick(minute, byScope.get(key) ?? [], completeness),
      );
      return [...closed, ...changed];
    },
  };
}

/** Detections that name origins as strangers; others name the service's own. */
const OF_STRANGERS: ReadonlySet<string> = new Set([
  'novelty_burst',
  'slow_scan',
  'lookalike',
  'null_burst',
  'origin_reflection',
  'prefix_match',
  'suffix_match',
  'unescaped_dot',
  'null_allowed',
  'any_extension',
]);

function markSuspects(scope: Scope, detections: readonly Detection[], minute: number): void {
  for (const { detector, origins = [] } of detections) {
    if (!OF_STRANGERS.has(detector)) continue;
    for (const name of origins) {
      const origin = scope.origins.get(name);
      if (origin !== undefined && origin.firstAllowedAt > minute - DAY) origin.said.add(SUSPECT);
    }
  }
}

const DAY = 86_400_000;

interface ScopeWatch {
  readonly scope: Scope;
  tick(minute: number, rows: readonly UsageRow[], completeness: readonly CompletenessRow[]): Incident[];
  close(verdict: IncidentVerdict): Incident | undefined;
}

function watchScope(first: UsageRow, configuration: Configuration): ScopeWatch {
  const scope = new Scope(first.service, first.environment, first.minute);
  const newBlocks = new NewBlockDetector(scope);
  const rates = new BlockRates(scope, configuration);
  const strangers = new StrangerWatch(scope, configuration);
  const misconfigurations = new MisconfigurationWatch(scope);
  const volume = new VolumeWatch(scope);
  const gaps = new TelemetryGapWatch(scope);
  const tracker = new Tracker(scope, configuration.pageRules);
  return {
    scope,
    tick(minute, rows, completeness) {
      const facts = observe(scope, minute, rows);
      const detections: Detection[] = [
        ...gaps.detect(facts),
        ...detectIncompleteness(completeness, scope.service),
        ...detectFlips(scope, facts),
        ...newBlocks.detect(facts),
        ...rates.detect(facts),
        ...strangers.detect(facts),
        ...misconfigurations.detect(facts),
        ...volume.detect(facts),
      ];
      markSuspects(scope, detections, minute);
      return tracker.update(facts, detections);
    },
    close: (verdict) => tracker.close(verdict),
  };
}

import { CONFIGURATION, type Configuration } from './configuration.ts';
import { createDetectors, markSuspects } from './detectors/detectors.ts';
import { observe } from './history/observe.ts';
import { Scope } from './history/scope.ts';
import type { Incident } from './incidents/incident.ts';
import type { IncidentVerdict } from './incidents/incident-verdict.ts';
import { Tracker } from './incidents/tracker.ts';
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

interface ScopeWatch {
  readonly scope: Scope;
  tick(minute: number, rows: readonly UsageRow[], completeness: readonly CompletenessRow[]): Incident[];
  close(verdict: IncidentVerdict): Incident | undefined;
}

function watchScope(first: UsageRow, configuration: Configuration): ScopeWatch {
  const scope = new Scope(first.service, first.environment, first.minute);
  const detect = createDetectors(scope, configuration);
  const tracker = new Tracker(scope, configuration.pageRules);
  return {
    scope,
    tick(minute, rows, completeness) {
      const facts = observe(scope, minute, rows);
      const detections = detect(facts, completeness);
      markSuspects(scope, detections, minute);
      return tracker.update(facts, detections);
    },
    close: (verdict) => tracker.close(verdict),
  };
}

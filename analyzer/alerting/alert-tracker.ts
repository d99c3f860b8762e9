import type { Incident } from '../incidents/incident.ts';

/** An incident as an alert: firing, or over since a time. */
export interface Alert {
  readonly incident: Incident;
  /** Epoch milliseconds; undefined while it fires. */
  readonly resolvedAt: number | undefined;
}

export interface AlertTracker {
  /**
   * @param incidents all that are not resolved, and those that were resolved lately
   * @param now epoch milliseconds
   */
  update(incidents: readonly Incident[], now: number): TrackedAlerts;
  /** Those of the last update. */
  current(): readonly Alert[];
}

export interface TrackedAlerts {
  /** All that fire, and those resolved lately, which are repeated for a receiver that was away. */
  readonly alerts: readonly Alert[];
  /** Those that are new, that changed class, severity or page, and that are over. */
  readonly changes: readonly Alert[];
}

/** For how long the end of an alert is repeated; Prometheus does the same. */
const REPEAT_RESOLVED_MILLIS = 15 * 60_000;

/**
 * Follows incidents from tick to tick. Alertmanager knows an alert by its labels: when the class or the severity of
 * an incident changes, the alert with the old labels ends and another begins. An incident that is not among the
 * current ones any more, because somebody accepted or dismissed it, is over.
 */
export function createAlertTracker(): AlertTracker {
  let tracked: ReadonlyMap<string, Alert> = new Map();
  return {
    current: () => [...tracked.values()],
    update(incidents, now) {
      const next = new Map<string, Alert>();
      const changes: Alert[] = [];
      for (const incident of incidents) {
        const alert = alertOf(incident, now);
        if (alert === undefined) continue;
        const before = tracked.get(labelsKey(incident));
        const isChange = before === undefined || isOver(before) !== isOver(alert);
        const seenFiring = before !== undefined && !isOver(before);
        if (isOld(alert, now) && !seenFiring) continue;
        if (isChange) changes.push(alert);
        next.set(labelsKey(incident), alert);
      }
      const ids = new Set([...next.values()].map(({ incident }) => incident.id));
      for (const [key, alert] of tracked) {
        if (next.has(key)) continue;
        const over = isOver(alert) ? alert : { ...alert, resolvedAt: now };
        if (isOld(over, now)) continue;
        next.set(key, over);
        // With other labels it goes on: that is a change which was told already.
        if (!isOver(alert) && !ids.has(alert.incident.id)) changes.push(over);
      }
      tracked = next;
      return { alerts: [...next.values()], changes };
    },
  };
}

function alertOf(incident: Incident, now: number): Alert | undefined {
  switch (incident.state) {
    case 'pending':
      return undefined;
    case 'firing':
    case 'recovering':
      return { incident, resolvedAt: undefined };
    case 'resolved':
      return { incident, resolvedAt: incident.resolvedAt ?? now };
  }
}

function isOver({ resolvedAt }: Alert): boolean {
  return resolvedAt !== undefined;
}

function isOld({ resolvedAt }: Alert, now: number): boolean {
  return resolvedAt !== undefined && now - resolvedAt > REPEAT_RESOLVED_MILLIS;
}

/** Two incidents with the same key are the same alert; the other labels follow from the id. */
function labelsKey({ id, class: incidentClass, severity, page }: Incident): string {
  return [id, incidentClass, severity, page].join('/');
}

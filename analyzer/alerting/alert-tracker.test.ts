import { expect, test } from 'vitest';
import { anIncident, resolved } from '../../test/support/incidents.ts';
import type { Incident } from '../incidents/incident.ts';
import { createAlertTracker, type TrackedAlerts } from './alert-tracker.ts';

const MINUTE = 60_000;
const incident = anIncident({ id: 'a' });

/** `id class`, with `over` behind it when it is. */
const brief = (alerts: TrackedAlerts['alerts']): string[] =>
  alerts.map((alert) =>
    [alert.incident.id, alert.incident.class, ...(alert.resolvedAt === undefined ? [] : ['over'])].join(' '),
  );

/** The changes of each tick, a minute apart. */
function changes(ticks: readonly (readonly Incident[])[]): string[][] {
  const tracker = createAlertTracker();
  return ticks.map((incidents, tick) => brief(tracker.update(incidents, tick * MINUTE).changes));
}

test('an incident is a change once, and once more when it is over', () => {
  const over = resolved(incident, 2 * MINUTE);
  expect(changes([[incident], [incident], [over], [over], []])).toEqual([
    ['a breakage'],
    [],
    ['a breakage over'],
    [],
    [],
  ]);
});

test('pending incidents are told to nobody, recovering ones go on', () => {
  expect(
    changes([[{ ...incident, state: 'pending' }], [incident], [{ ...incident, state: 'recovering' }]]),
  ).toEqual([[], ['a breakage'], []]);
});

test('a new class is one change: the alert with the old labels ends without another word', () => {
  const tracker = createAlertTracker();
  tracker.update([{ ...incident, class: 'unclassified' }], 0);
  const { alerts, changes } = tracker.update([incident], MINUTE);
  expect(brief(changes)).toEqual(['a breakage']);
  expect(brief(alerts)).toEqual(['a breakage', 'a unclassified over']);
});

test('an incident that is gone without an end is over', () => {
  expect(changes([[incident], []])).toEqual([['a breakage'], ['a breakage over']]);
});

test('the end is repeated for 15 minutes, and an older one that nobody saw firing is not told', () => {
  const tracker = createAlertTracker();
  tracker.update([incident], 0);
  const over = resolved(incident, MINUTE);
  expect(tracker.update([over], MINUTE).alerts).toHaveLength(1);
  expect(tracker.update([over], 16 * MINUTE).alerts).toHaveLength(1);
  expect(tracker.update([over], 17 * MINUTE).alerts).toHaveLength(0);
  expect(createAlertTracker().update([over], 17 * MINUTE)).toEqual({ alerts: [], changes: [] });
});

test('an end is told after a long time without ticks, too', () => {
  const tracker = createAlertTracker();
  tracker.update([incident], 0);
  expect(brief(tracker.update([resolved(incident, MINUTE)], 60 * MINUTE).changes)).toEqual([
    'a breakage over',
  ]);
});

test('after a restart, what fires and what was resolved lately is told again', () => {
  const late = resolved({ ...incident, id: 'b' }, 0);
  expect(changes([[incident, late]])).toEqual([['a breakage', 'b breakage over']]);
});

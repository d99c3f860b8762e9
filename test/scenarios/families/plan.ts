import type { Subject } from '../../../analyzer/detectors/detection.ts';
import type { IncidentClass } from '../../../analyzer/incidents/incident.ts';
import type { CallTemplate, Policy } from '../policy.ts';
import type { Random } from '../random.ts';
import type { Conditions, ServiceModel } from '../traffic.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

export interface Setting {
  readonly model: ServiceModel;
  readonly policy: Policy;
  readonly calls: readonly CallTemplate[];
  readonly random: Random;
}

/** What happens to a service for a while, and what it is. */
export interface Episode {
  readonly family: string;
  readonly class: IncidentClass | 'noise';
  readonly start: number;
  readonly end: number;
  /** What a breakage has to name first; empty where nothing is wanted. */
  readonly subjects: readonly Subject[];
  /** Found by counting, not by proof. */
  readonly isStatistical: boolean;
  /** The conditions of a minute of it, or after it. */
  apply(conditions: Conditions, minute: number): Conditions;
}

export interface Plan {
  readonly class: IncidentClass | 'noise';
  /** Decisions a minute below which it cannot show. */
  readonly leastVolume: number;
  readonly isStatistical?: true;
  readonly minutes: readonly [least: number, most: number];
  plan(setting: Setting, start: number, end: number): Pick<Episode, 'apply'> & { subjects?: Subject[] };
}

export const during =
  (
    start: number,
    end: number,
    change: (conditions: Conditions, minute: number) => Conditions,
  ): Episode['apply'] =>
  (conditions, minute) =>
    minute >= start && minute < end ? change(conditions, minute) : conditions;

/** A deployment, rolled back at the end: for ten minutes both versions run. */
export function deployed(start: number, end: number, policy: Policy, random: Random): Episode['apply'] {
  const version = `2.${random.whole(0, 40)}.${random.whole(1, 9)}`;
  const rollOut = random.chance(0.5) ? 10 * MINUTE : MINUTE;
  return during(start, end, (conditions, minute) => {
    const share = Math.min(1, (minute - start + MINUTE) / rollOut);
    const [running] = conditions.versions;
    if (running === undefined) return conditions;
    return {
      ...conditions,
      versions: [
        { ...running, share: 1 - share },
        { version, share, policy },
      ].filter((one) => one.share > 0),
    };
  });
}

/** A change of configuration: the version stays. */
export const configured = (start: number, end: number, policy: Policy): Episode['apply'] =>
  during(start, end, (conditions) => ({
    ...conditions,
    versions: conditions.versions.map((one) => ({ ...one, policy })),
  }));

export function changed(setting: Setting, start: number, end: number, policy: Policy): Episode['apply'] {
  return setting.random.chance(0.6)
    ? deployed(start, end, policy, setting.random)
    : configured(start, end, policy);
}

export const added = (
  start: number,
  end: number,
  each: (minute: number) => Conditions['strangers'],
): Episode['apply'] =>
  during(start, end, (conditions, minute) => ({
    ...conditions,
    strangers: [...conditions.strangers, ...each(minute)],
  }));

export function topOrigin({ calls, random }: Setting): string {
  const weights = new Map<string, number>();
  for (const { origin, weight } of calls) weights.set(origin, (weights.get(origin) ?? 0) + weight);
  const order = [...weights].sort(([, a], [, b]) => b - a).map(([origin]) => origin);
  return order[random.whole(0, Math.min(1, order.length - 1))] ?? '';
}

export function mostUsed(values: readonly (readonly [value: string, weight: number])[]): string {
  const weights = new Map<string, number>();
  for (const [value, weight] of values) weights.set(value, (weights.get(value) ?? 0) + weight);
  return [...weights].sort(([, a], [, b]) => b - a)[0]?.[0] ?? '';
}

export function stranger(random: Random, origin: string, given: Partial<CallTemplate> = {}): CallTemplate {
  return {
    origin,
    route: random.pick(['/', '/v1/items', '/v1/cart']),
    method: 'GET',
    headers: [],
    credentials: false,
    browser: false,
    weight: 0,
    clients: 1,
    ...given,
  };
}

export const WORDS = [
  'lumen',
  'harbor',
  'quartz',
  'maple',
  'orbit',
  'fable',
  'cinder',
  'willow',
  'ember',
  'tundra',
  'sable',
  'onyx',
];
export function randomSite(random: Random): string {
  return `https://${random.pick(WORDS)}${random.pick(WORDS)}${random.whole(1, 9999)}.${random.pick(['com', 'net', 'org', 'io', 'dev'])}`;
}

export const without = (policy: Policy, origin: string): Policy => ({
  ...policy,
  origins: new Set([...policy.origins].filter((other) => other !== origin)),
});

const widened = new WeakMap<Policy, Map<string, Policy>>();

/** The same policy for the same origin, each time. */
export function allowing(policy: Policy, origin: string): Policy {
  const known = widened.get(policy) ?? new Map<string, Policy>();
  widened.set(policy, known);
  const made = known.get(origin) ?? { ...policy, origins: new Set([...policy.origins, origin]) };
  known.set(origin, made);
  return made;
}

/** What changes for good, and so comes last in a world. */
export const LASTING: readonly string[] = ['partner_leaving', 'growth', 'launch', 'migration'];

export const host = (origin: string): string => origin.replace(/^https?:\/\//, '');

export function droppedHeader(setting: Setting): string {
  return mostUsed(
    setting.calls.flatMap(({ headers, weight }) => headers.map((name) => [name, weight] as const)),
  );
}

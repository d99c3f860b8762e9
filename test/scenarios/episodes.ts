import { BREAKAGES } from './families/breakage.ts';
import { LEGITIMATE_SHIFTS } from './families/legitimate-shift.ts';
import { MISCONFIGURATIONS } from './families/misconfiguration.ts';
import { NOISE } from './families/noise.ts';
import type { Episode, Plan, Setting } from './families/plan.ts';
import { SUSPICIONS } from './families/suspicious.ts';
import { TELEMETRY_GAPS } from './families/telemetry-gap.ts';

const MINUTE = 60_000;

/** What can happen to a service, by name. */
export const FAMILIES: Readonly<Record<string, Plan>> = {
  ...BREAKAGES,
  ...SUSPICIONS,
  ...LEGITIMATE_SHIFTS,
  ...MISCONFIGURATIONS,
  ...TELEMETRY_GAPS,
  ...NOISE,
};

export function planEpisode(family: string, setting: Setting, start: number): Episode {
  const found = FAMILIES[family];
  if (found === undefined) throw new Error(`No family ${family}`);
  const [least, most] = found.minutes;
  // Of little traffic it takes longer until there is anything to see.
  const patience = Math.max(1, Math.min(8, 0.6 / setting.model.volume));
  const isOwn = found.class === 'breakage';
  const end = start + Math.round(setting.random.between(least, most) * (isOwn ? patience : 1)) * MINUTE;
  const { apply, subjects = [] } = found.plan(setting, start, end);
  return {
    family,
    class: found.class,
    start,
    end,
    subjects,
    isStatistical: found.isStatistical === true,
    apply,
  };
}

export type { Episode, Setting } from './families/plan.ts';
export { LASTING, randomSite, stranger } from './families/plan.ts';

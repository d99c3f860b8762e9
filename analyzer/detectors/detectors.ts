import type { Configuration } from '../configuration.ts';
import type { ScopeMinute } from '../history/observe.ts';
import { type Scope, SUSPECT } from '../history/scope.ts';
import type { CompletenessRow } from '../input/usage-row.ts';
import { BlockRates } from './block-rates.ts';
import type { Detection, DetectorName } from './detection.ts';
import { detectFlips } from './flip.ts';
import { MisconfigurationWatch } from './misconfiguration.ts';
import { NewBlockDetector } from './new-block.ts';
import { PolicyWidenedWatch } from './policy-widened.ts';
import { StrangerWatch } from './strangers.ts';
import { detectIncompleteness, TelemetryGapWatch } from './telemetry-gap.ts';
import { VolumeWatch } from './volume.ts';

const DAY = 86_400_000;

/** What all detectors find in a minute of a service. A new detector is added here, and its name in detection.ts. */
export type Detectors = (minute: ScopeMinute, completeness: readonly CompletenessRow[]) => Detection[];

export function createDetectors(scope: Scope, configuration: Configuration): Detectors {
  const newBlocks = new NewBlockDetector(scope);
  const rates = new BlockRates(scope, configuration);
  const strangers = new StrangerWatch(scope, configuration);
  const misconfigurations = new MisconfigurationWatch(scope);
  const widened = new PolicyWidenedWatch(scope);
  const volume = new VolumeWatch(scope, configuration);
  const gaps = new TelemetryGapWatch(scope);
  return (minute, completeness) => [
    ...gaps.detect(minute),
    ...detectIncompleteness(completeness, scope.service),
    ...detectFlips(scope, minute),
    ...newBlocks.detect(minute),
    ...rates.detect(minute),
    ...strangers.detect(minute),
    ...misconfigurations.detect(minute),
    ...widened.detect(minute),
    ...volume.detect(minute),
  ];
}

/** Detectors that name origins as strangers; others name the service's own. */
const OF_STRANGERS: ReadonlySet<DetectorName> = new Set([
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

/** An origin that was first allowed in the last day and is named as a stranger is not one of the service's own. */
export function markSuspects(scope: Scope, detections: readonly Detection[], minute: number): void {
  for (const { detector, origins = [] } of detections) {
    if (!OF_STRANGERS.has(detector)) continue;
    for (const name of origins) {
      const origin = scope.origins.get(name);
      if (origin !== undefined && origin.firstAllowedAt > minute - DAY) origin.reported.add(SUSPECT);
    }
  }
}

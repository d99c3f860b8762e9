import { OTHER } from '../../instrumentation/src/attributes.ts';
import { averageRunLength, type Configuration } from '../configuration.ts';
import type { ScopeMinute } from '../history/observe.ts';
import type { Scope } from '../history/scope.ts';
import { estimateClients } from '../input/clients.ts';
import type { Detection } from './detection.ts';
import { detectLaunch } from './launch.ts';
import { VanishedOrigins } from './vanished-origins.ts';
import { VolumeChange } from './volume-change.ts';

const DAY = 86_400_000;
/** Origins of a service among which the budget of their series is divided, unless it has more. */
const USUAL_ORIGINS = 32;

/** Shifts of traffic that break nothing: more or less of it, from everybody or one origin; origins that come and go. */
export class VolumeWatch {
  readonly #scope: Scope;
  readonly #configuration: Configuration;
  readonly #total: VolumeChange;
  readonly #origins = new Map<string, VolumeChange>();
  readonly #vanished: VanishedOrigins;

  constructor(scope: Scope, configuration: Configuration) {
    this.#scope = scope;
    this.#configuration = configuration;
    this.#total = new VolumeChange(averageRunLength(configuration));
    this.#vanished = new VanishedOrigins(scope);
  }

  detect({ minute, rows }: ScopeMinute): Detection[] {
    const scope = this.#scope;
    if (scope.age(minute) < DAY) return [];
    const subject = { kind: 'service', value: scope.service } as const;
    const total = this.#total.detect({ subject, series: scope.total }, minute, rows.length === 0);
    const detections: (Detection | undefined)[] = [total];
    for (const name of new Set(rows.map(({ origin }) => origin))) {
      const origin = scope.origins.get(name);
      if (origin === undefined || name === OTHER) continue;
      detections.push(detectLaunch(scope, origin, minute));
      const { series } = origin;
      if (series === undefined || !scope.isKnown(origin, minute)) continue;
      const clients = estimateClients(origin.clientsHigh, origin.clientsLow);
      detections.push(
        this.#changeOf(name).detect(
          {
            subject: { kind: 'origin', value: name },
            series,
            isOneClient: clients > 0 && clients < 3,
          },
          minute,
        ),
      );
    }
    detections.push(...this.#vanished.detect(minute));
    return detections.filter((detection) => detection !== undefined);
  }

  #changeOf(origin: string): VolumeChange {
    let change = this.#origins.get(origin);
    if (change === undefined) {
      const peers = Math.max(USUAL_ORIGINS, this.#origins.size + 1);
      change = new VolumeChange(averageRunLength(this.#configuration, peers));
      this.#origins.set(origin, change);
    }
    return change;
  }
}

import { counted } from '../../core/counted.ts';
import type { OriginHistory, Scope } from '../history/scope.ts';
import { estimateClients } from '../input/clients.ts';
import { NOISE_KINDS } from '../input/origin-kind.ts';
import type { Detection } from './detection.ts';
import { shiftOf } from './shift.ts';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

/** An origin that is new, allowed by name, and called by many browsers. */
export function detectLaunch(scope: Scope, origin: OriginHistory, minute: number): Detection | undefined {
  const { firstAllowedAt, exact, allowed, browser, blocked } = origin;
  if (NOISE_KINDS.has(origin.kind) && origin.kind !== 'app shell') return undefined;
  if (origin.reported.has('launch') || firstAllowedAt > minute - 2 * MINUTE) return undefined;
  if (firstAllowedAt - scope.startedAt < DAY || minute - firstAllowedAt > DAY) {
    // Not new, or too slow to tell.
    if (allowed >= 20) origin.reported.add('launch');
    return undefined;
  }
  const clients = estimateClients(origin.clientsHigh, origin.clientsLow);
  const isBusy = exact >= 20 && browser >= 0.8 * (allowed + blocked) && (clients === 0 || clients >= 4);
  if (!isBusy) return undefined;
  origin.reported.add('launch');
  const networks = Number.isFinite(clients) ? `about ${Math.round(clients)}` : 'more than 60';
  return shiftOf(
    'new_allowed_origin',
    { kind: 'origin', value: origin.origin },
    {
      observed: exact,
      expected: 0,
      unit: 'decisions',
      score: 0,
      since: firstAllowedAt,
      sentence: `${origin.origin} is new and allowed by name: ${counted(exact, 'decision')}, ${browser} of them of browsers${clients === 0 ? '' : `, from ${networks} client networks`}.`,
      origins: [origin.origin],
      against: blocked > exact / 10 ? [`${blocked} requests of it were blocked.`] : [],
    },
  );
}

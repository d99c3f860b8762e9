import { createHash } from 'node:crypto';
import { counted } from '../../core/counted.ts';
import type { Incident } from './incident.ts';

const DAY = 86_400_000;
const MOST_SENTENCES = 50;
const MOST_VALUES = 10;

/**
 * One ticket of what is misconfigured already when an analyzer runs for the first time, instead of an alert for each.
 *
 * @param found misconfigurations of the warm-up
 * @param at end of the first minute that is analyzed, epoch milliseconds
 * @returns undefined when nothing is misconfigured
 */
export function firstRunDigest(found: readonly Incident[], at: number): Incident | undefined {
  const flaws = found
    .filter((incident) => incident.class === 'misconfiguration')
    .sort(
      (a, b) => compare(a.service, b.service) || compare(a.environment, b.environment) || compare(a.id, b.id),
    );
  const [first] = flaws;
  if (first === undefined) return undefined;
  const services = [...new Set(flaws.map(({ service }) => service))];
  const sentences = flaws.flatMap(({ service, environment, signals }) =>
    signals.map(({ sentence }) => `${service}${environment === '' ? '' : ` (${environment})`}: ${sentence}`),
  );
  const more = sentences.length - MOST_SENTENCES;
  const only = services.length === 1 ? services[0] : undefined;
  return {
    id: createHash('sha256')
      .update(JSON.stringify(['first run', at]))
      .digest('hex')
      .slice(0, 16),
    service: only ?? '',
    environment: '',
    class: 'misconfiguration',
    severity: 'warning',
    page: false,
    state: 'firing',
    subject: { kind: 'service', value: only ?? counted(services.length, 'service') },
    startedAt: Math.min(...flaws.map(({ startedAt }) => startedAt)),
    detectedAt: at,
    resolvedAt: undefined,
    signals: first.signals.slice(0, 1),
    evidence: {
      for: [...sentences.slice(0, MOST_SENTENCES), ...(more > 0 ? [`And ${more} more.`] : [])],
      against: [],
    },
    cause: `${counted(sentences.length, 'misconfiguration')} of ${services.slice(0, MOST_VALUES).join(', ')} were there when the analyzer ran for the first time.`,
    change:
      'Narrow these policies in working hours, together with their owners. New ones are reported as they appear.',
    affected: { origins: [], routes: [], reasons: [], requestedHeaders: [], versions: [] },
    decisions: flaws.reduce((sum, { decisions }) => sum + decisions, 0),
  };
}

/** The digest as it is after a minute: it ends after a day. */
export function digestAt(digest: Incident, at: number): Incident | undefined {
  const end = digest.detectedAt + DAY;
  if (at < end) return digest;
  return at === end ? { ...digest, state: 'resolved', resolvedAt: at } : undefined;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

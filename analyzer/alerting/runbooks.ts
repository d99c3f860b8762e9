import type { Incident } from '../incidents/incident.ts';

/**
 * What can be wrong with a policy, as the name of the detector that found it, and how a summary says it of a
 * service. Each has a page in docs/runbooks.
 */
export const FINDINGS = {
  origin_reflection: 'allows any origin, because it reflects the Origin header',
  prefix_match: 'allows foreign origins that begin like an allowed one',
  suffix_match: 'allows foreign origins that end like an allowed one',
  unescaped_dot: 'allows foreign origins, because a dot in its pattern matches any character',
  special_chars: 'allows origins whose host is not a valid name',
  null_allowed: 'allows the origin null, which any page can send',
  http_on_https: 'lets http: pages read an https: API',
  any_subdomain: 'allows every subdomain',
  any_extension: 'allows every browser extension',
  third_party_allowed: 'allows a host where anybody can publish pages',
  wildcard_with_credentials: 'sends "*" together with credentials, which browsers block',
  missing_vary_origin: 'answers by Origin without "Vary: Origin", so caches mix up the answers',
} as const;
export type Finding = keyof typeof FINDINGS;

/** The flaw of the policy that an incident is about, or that was probed: the first signal that is one. */
export function findingOf({ class: incidentClass, signals }: Incident): Finding | undefined {
  if (incidentClass !== 'misconfiguration' && incidentClass !== 'suspicious') return undefined;
  return signals.map(({ detector }) => detector).find(isFinding);
}

export function isFinding(name: string): name is Finding {
  return Object.hasOwn(FINDINGS, name);
}

/** Name of the page in docs/runbooks, without its extension: of the finding, else of the class. */
export function runbookOf(incident: Incident): string {
  return (findingOf(incident) ?? incident.class).replaceAll('_', '-');
}

/** Name of the page about the heartbeat alert. */
export const HEARTBEAT_RUNBOOK = 'heartbeat';

import type { Misconfiguration } from '../detectors/detection.ts';
import type { Incident } from '../incidents/incident.ts';

/** How a summary says of a service what is wrong with its policy. */
export const FLAWS: Readonly<Record<Misconfiguration, string>> = {
  origin_reflection: 'allows any origin, because it reflects the Origin header',
  prefix_match: 'allows foreign origins that begin like an allowed one',
  suffix_match: 'allows foreign origins that end like an allowed one',
  unescaped_dot: 'allows foreign origins, because a dot in its pattern matches any character',
  null_allowed: 'allows the origin null, which any page can send',
  http_on_https: 'lets http: pages read an https: API',
  any_subdomain: 'allows every subdomain',
  any_extension: 'allows every browser extension',
  wildcard_with_credentials: 'sends "*" together with credentials, which browsers block',
  missing_vary_origin: 'answers by Origin without "Vary: Origin", so caches mix up the answers',
};

/** The flaw of the policy that an incident is about, or that was probed: the first signal that is one. */
export function misconfigurationOf({
  class: incidentClass,
  signals,
}: Incident): Misconfiguration | undefined {
  if (incidentClass !== 'misconfiguration' && incidentClass !== 'suspicious') return undefined;
  return signals.map(({ detector }) => detector).find(isMisconfiguration);
}

export function isMisconfiguration(name: string): name is Misconfiguration {
  return Object.hasOwn(FLAWS, name);
}

/** Name of the page in docs/runbooks, without its extension: of the misconfiguration, else of the class. */
export function runbookOf(incident: Incident): string {
  return (misconfigurationOf(incident) ?? incident.class).replaceAll('_', '-');
}

/** Name of the page about the heartbeat alert. */
export const HEARTBEAT_RUNBOOK = 'heartbeat';

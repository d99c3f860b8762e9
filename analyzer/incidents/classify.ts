import { counted } from '../../core/counted.ts';
import type { DetectorName, Subject } from '../detectors/detection.ts';
import { estimateClients } from '../input/clients.ts';
import { describeOrigin } from '../input/origin-kind.ts';
import { logMultinomialEvidence } from '../statistics/multinomial.ts';
import { affectedValues, sumOf } from './affected.ts';
import { type Draft, TOGETHER_MILLIS } from './draft.ts';
import { changeOf, explainBreakage } from './explain.ts';
import type { AffectedValue, Incident, IncidentClass, Severity } from './incident.ts';
import { type PageFacts, type PageRule, shouldPage } from './page-policy.ts';

interface Classification extends Pick<Incident, 'class' | 'severity' | 'subject' | 'cause' | 'change'> {
  readonly pageFacts: Omit<PageFacts, 'class' | 'severity' | 'service'>;
  readonly evidence: { for: string[]; against: string[] };
}

const WHOLE_ORIGINS =
  'Compare Origin with a list of whole origins, and send Access-Control-Allow-Origin for those alone.';
const NO_PAGE = { allowedBefore: false, browserEvidence: false, credentialsNewlyAllowed: false } as const;

/** The incident that a draft stands for at present. */
export function incidentOf(draft: Draft, pageRules: readonly PageRule[] = []): Incident {
  const { scope, id, state, startedAt, detectedAt, resolvedAt, signals, decisions } = draft;
  const { pageFacts, ...classification } = classify(draft);
  const { class: kind, severity } = classification;
  classification.evidence.for.push(...originsThatAreNoWebsites(draft));
  if (shouldPage({ class: kind, severity, service: scope.service, ...pageFacts }, pageRules))
    draft.page = true;
  return {
    id,
    service: scope.service,
    environment: scope.environment,
    ...classification,
    page: draft.page,
    severity: draft.page ? 'critical' : classification.severity,
    state,
    startedAt,
    detectedAt,
    resolvedAt,
    signals: [...signals.values()],
    affected: affectedValues(draft.affected, scope),
    decisions,
  };
}

/**
 * In the order in which cases are told apart: telemetry gap, breakage, suspicion, misconfiguration, shift. What does not
 * earn its class is unclassified.
 */
function classify(draft: Draft): Classification {
  const { families } = draft;
  if (families.has('gap')) return gap(draft);
  if (families.has('breakage')) return breakage(draft);
  if (families.has('suspicious')) return suspicious(draft);
  if (families.has('misconfiguration')) return misconfiguration(draft);
  return shift(draft);
}

const DESCRIBED = 3;

/** Apps, files and extensions among the affected origins, named for what they are. */
function originsThatAreNoWebsites({ origins }: Draft): string[] {
  return [...origins]
    .map((origin) => ({ origin, description: describeOrigin(origin) }))
    .filter(({ description }) => description !== '')
    .slice(0, DESCRIBED)
    .map(({ origin, description }) => `Origin ${origin} is ${description}.`);
}

function sentences({ signals, course }: Draft): string[] {
  return [...[...signals.values()].map(({ sentence }) => sentence), ...course];
}

function gap(draft: Draft): Classification {
  const { scope } = draft;
  return {
    class: 'telemetry_gap',
    severity: 'warning',
    pageFacts: NO_PAGE,
    subject: { kind: 'service', value: scope.service },
    evidence: { for: sentences(draft), against: [...draft.against] },
    cause:
      'Decision spans of the service do not arrive: it is down, nobody calls it, or they are lost on their way.',
    change: 'Check that the service runs, and its OTEL_EXPORTER_OTLP_ENDPOINT and the collector.',
  };
}

function breakage(draft: Draft): Classification {
  const { decisions, browserDecisions, clientsHigh, clientsLow, scope } = draft;
  const subject = subjectOf(draft);
  const clients = estimateClients(clientsHigh, clientsLow);
  const evidence = { for: sentences(draft), against: [...draft.against] };
  if (browserDecisions > 0) {
    evidence.for.push(
      `${browserDecisions.toLocaleString('en')} of ${counted(decisions, 'affected decision')} carry fetch metadata, as browsers send them${clientsText(clients)}.`,
    );
  } else
    evidence.against.push(
      'None of the affected requests carries fetch metadata: perhaps no browser sent them.',
    );
  if (clients > 0 && clients < 2) evidence.against.push('All of them come from one client network.');
  evidence.for.push(...versionEvidence(draft));
  const { cause, change } = explainBreakage(draft, subject);
  const isShared = clients === 0 || clients >= 2;
  const hasBrowsers = browserDecisions >= 3 && isShared;
  const isPage = hasBrowsers && !draft.isNoise && !isOnlyNewRoute(draft);
  const isBreakage = browserDecisions > 0 || usuallyWithoutBrowsers(draft);
  return {
    class: isBreakage ? 'breakage' : 'unclassified',
    severity: isPage ? 'critical' : 'warning',
    pageFacts: {
      allowedBefore: !isOnlyNewRoute(draft),
      browserEvidence: hasBrowsers && !draft.isNoise,
      credentialsNewlyAllowed: false,
    },
    subject: subject ?? { kind: 'service', value: scope.service },
    evidence,
    cause,
    change,
  };
}

/** Fetch metadata is missing on insecure hosts; there it proves nothing that it is. */
function usuallyWithoutBrowsers({ scope }: Draft): boolean {
  const { browser } = scope.usual;
  return (browser.get('browser') ?? 0) < 0.1 * sumOf(browser);
}

/** A call that was never made before: it breaks nothing that worked. */
function isOnlyNewRoute({ signals }: Draft): boolean {
  return [...signals.values()].every(
    ({ detector, subject }) => detector === 'new_block' && subject.kind === 'route',
  );
}

function clientsText(clients: number): string {
  if (clients === 0) return '';
  return Number.isFinite(clients)
    ? `, from about ${counted(Math.round(clients), 'client network')}`
    : ', from more than 60 client networks';
}

function versionEvidence(draft: Draft): string[] {
  const { scope, startedAt, affected } = draft;
  const texts: string[] = [];
  for (const [version] of affected.versions) {
    const known = scope.versions.get(version);
    if (version === '' || known === undefined || known.firstAt === scope.startedAt) continue;
    if (known.firstAt < startedAt - 60 * 60_000 || known.firstAt > startedAt + 5 * 60_000) continue;
    texts.push(`Version ${version} was first seen ${new Date(known.firstAt).toISOString()}, just before.`);
  }
  const comparison = versionComparison(draft);
  if (comparison !== undefined && comparison.log > LOG_CERTAIN) {
    texts.push(
      `All ${draft.decisions.toLocaleString('en')} affected decisions are of version ${comparison.affected.join(', ')}; ${comparison.unaffected.join(', ')}, which runs beside it with ${Math.round(100 * comparison.unaffectedShare)} % of the decisions, blocks none.`,
    );
  }
  return texts;
}

const LOG_CERTAIN = Math.log(1e4);

interface VersionComparison {
  readonly affected: readonly string[];
  readonly unaffected: readonly string[];
  readonly unaffectedShare: number;
  readonly log: number;
}

/** Versions that ran beside each other since the start; undefined where there is only one. */
function versionComparison({ versionTotals, affected }: Draft): VersionComparison | undefined {
  const all = sumOf(versionTotals);
  const versions = [...versionTotals.keys()];
  const unaffected = versions.filter((version) => !affected.versions.has(version));
  if (versions.length < 2 || unaffected.length === 0 || all === 0) return undefined;
  const shares = versions.map((version) => (versionTotals.get(version) ?? 0) / all);
  const counts = versions.map((version) => affected.versions.get(version) ?? 0);
  return {
    affected: versions.filter((version) => affected.versions.has(version)),
    unaffected,
    unaffectedShare: unaffected.reduce((sum, version) => sum + (versionTotals.get(version) ?? 0), 0) / all,
    log: logMultinomialEvidence(counts, shares),
  };
}

/** What a breakage is about: the attribute that tells the affected decisions from the others best. */
function subjectOf(draft: Draft): Subject {
  const { scope, signals } = draft;
  const affected = affectedValues(draft.affected, scope);
  const comparison = versionComparison(draft);
  if (comparison !== undefined && comparison.log > LOG_CERTAIN && comparison.unaffectedShare >= 0.1) {
    return { kind: 'version', value: comparison.affected[0] ?? '' };
  }
  const reason = affected.reasons[0];
  if (reason !== undefined && reason.share >= 0.5) {
    if (reason.value === 'header_not_allowed') {
      const header = affected.requestedHeaders[0];
      if (header !== undefined) return { kind: 'header', value: header.value };
    }
    if (reason.value === 'method_not_allowed') {
      const method = [...draft.affected.methods].sort(([, a], [, b]) => b - a)[0];
      if (method !== undefined) return { kind: 'method', value: method[0] };
    }
  }
  if (reason !== undefined && CREDENTIALS.has(reason.value)) return { kind: 'reason', value: reason.value };
  const origin = standsOut(affected.origins[0]);
  const route = standsOut(affected.routes[0]);
  if (origin !== undefined && (route === undefined || origin.baselineShare <= route.baselineShare)) {
    return { kind: 'origin', value: origin.value };
  }
  if (route !== undefined && route.value !== '') return { kind: 'route', value: route.value };
  const version = affected.versions[0];
  const known = version === undefined ? undefined : scope.versions.get(version.value);
  const isDeployed =
    known !== undefined && known.firstAt > draft.startedAt - 60 * 60_000 && known.firstAt > scope.startedAt;
  const isFlip = [...signals.values()].some(({ detector }) => detector === 'flip');
  if (version !== undefined && version.value !== '' && version.share >= 0.95 && isDeployed && isFlip) {
    return { kind: 'version', value: version.value };
  }
  return { kind: 'reason', value: reason?.value ?? 'acao_missing' };
}

/** Of these the reason says what to change, whatever else the blocked calls have in common. */
export const CREDENTIALS: ReadonlySet<string> = new Set([
  'acac_not_true',
  'acao_wildcard_with_credentials',
  'credentials_mode_unknown',
]);

/** Nearly all affected decisions have a value that the others mostly have not. */
function standsOut(value: AffectedValue | undefined): AffectedValue | undefined {
  if (value === undefined || value.share < 0.9) return undefined;
  const { share, baselineShare, decisions } = value;
  if (baselineShare < 0.7) return value;
  // Of so many decisions some would be others', were it not about this one.
  const isNoChance = baselineShare < 0.95 && decisions * Math.log(baselineShare) < Math.log(1e-4);
  return share >= 0.97 && isNoChance ? value : undefined;
}

function suspicious(draft: Draft): Classification {
  const { decisions, browserDecisions, allowedDecisions, clientsHigh, clientsLow, origins, families } = draft;
  const clients = estimateClients(clientsHigh, clientsLow);
  const evidence = { for: sentences(draft), against: [...draft.against].slice(0, 5) };
  const browserShare = decisions === 0 ? 0 : browserDecisions / decisions;
  if (browserShare < 0.5 && decisions > 0) {
    evidence.for.push(
      `${(decisions - browserDecisions).toLocaleString('en')} of ${counted(decisions, 'request')} carry no fetch metadata: a tool sent them.`,
    );
  }
  if (allowedDecisions > 0)
    evidence.for.push(
      `${counted(allowedDecisions, 'request')} of them ${allowedDecisions === 1 ? 'was' : 'were'} allowed.`,
    );
  // Only that strangers are blocked, in the browsers of many people: a site that wants in, or was forgotten.
  const detectors = new Set([...draft.signals.values()].map(({ detector }) => detector));
  const isForgottenSite =
    [...detectors].every((detector) => detector === 'stranger_rate' || detector === 'new_allowed_origin') &&
    browserShare >= 0.8 &&
    (clients === 0 || clients >= 4) &&
    origins.size <= 3;
  const exposesCredentials = draft.exposesCredentials && families.has('misconfiguration');
  const name = [...origins];
  return {
    class: isForgottenSite ? 'unclassified' : 'suspicious',
    severity: exposesCredentials || allowedDecisions > 0 ? 'critical' : 'warning',
    pageFacts: { ...NO_PAGE, credentialsNewlyAllowed: exposesCredentials },
    subject: suspiciousSubject(draft),
    evidence,
    cause: isForgottenSite
      ? `${name.slice(0, 3).join(', ')} calls from the browsers of several people and was never allowed: a site that wants access, or was forgotten.`
      : `Somebody tries which origins are allowed (${name.slice(0, 3).join(', ')}${name.length > 3 ? ' …' : ''}). An Origin is easily forged: this is scanning, not a break-in.`,
    change: allowedDecisions > 0 ? WHOLE_ORIGINS : '',
  };
}

function suspiciousSubject({ affected, decisions, subject, signals }: Draft): Subject {
  const lookalike = [...signals.values()].find(({ detector }) => detector === 'lookalike');
  const [first] = [...affected.origins].sort(([, a], [, b]) => b - a);
  if (first !== undefined && first[1] >= 0.9 * decisions) return { kind: 'origin', value: first[0] };
  if (signals.size === 1 && lookalike !== undefined) return lookalike.subject;
  return subject;
}

function misconfiguration(draft: Draft): Classification {
  const { signals, exposesCredentials, example } = draft;
  const [first] = signals.values();
  const severity: Severity =
    exposesCredentials || first?.detector === 'null_allowed' ? 'critical' : 'warning';
  return {
    class: 'misconfiguration',
    severity,
    pageFacts: { ...NO_PAGE, credentialsNewlyAllowed: exposesCredentials },
    subject: first?.subject ?? draft.subject,
    evidence: { for: sentences(draft), against: [...draft.against].slice(0, 5) },
    cause: first?.sentence ?? '',
    change:
      example === undefined || changeOf(example) === ''
        ? ((first && FLAW_CHANGES[first.detector]) ?? WHOLE_ORIGINS)
        : changeOf(example),
  };
}

const FLAW_CHANGES: Readonly<Partial<Record<DetectorName, string>>> = {
  missing_vary_origin:
    'Send "Vary: Origin" with every answer whose Access-Control-Allow-Origin depends on the origin.',
  wildcard_with_credentials:
    'Name the allowed origins instead of *, or do not send Access-Control-Allow-Credentials.',
  null_allowed: 'Take null out of the allowed origins.',
  http_on_https: 'Allow the https origin only.',
  any_extension: 'Allow the ids of your own extensions only.',
};

function shift(draft: Draft): Classification {
  const { signals, scope, against } = draft;
  const all = [...signals.values()];
  const evidence = { for: sentences(draft), against: [...against] };
  // What broke later did not cause it.
  const until = draft.startedAt + TOGETHER_MILLIS;
  const broken = [...scope.broken].filter(({ brokenSince = 0 }) => brokenSince <= until).length;
  const blocked = [...scope.blocks].filter(({ since }) => since <= until).length;
  if (broken > 0)
    evidence.against.push(`${counted(broken, 'call')} that were allowed before are blocked at present.`);
  else if (blocked > 0)
    evidence.against.push(`${counted(blocked, 'call')} that were allowed before have just been blocked.`);
  else evidence.for.push('No call that was allowed before was blocked when it began.');
  const isEarned = evidence.against.length === 0;
  const origins = [
    ...new Set(all.filter(({ subject }) => subject.kind === 'origin').map(({ subject }) => subject.value)),
  ];
  const isOfAll = all.some(({ subject }) => subject.kind === 'service');
  const subject =
    isOfAll && origins.length !== 1
      ? { kind: 'service' as const, value: scope.service }
      : (all.find(({ subject }) => subject.kind === 'origin')?.subject ?? draft.subject);
  const kind: IncidentClass = isEarned ? 'legitimate_shift' : 'unclassified';
  return {
    class: kind,
    severity: isEarned ? 'info' : 'warning',
    pageFacts: NO_PAGE,
    subject,
    evidence,
    cause: (all[0] && SHIFT_CAUSES[all[0].detector]) ?? '',
    change: '',
  };
}

const SHIFT_CAUSES: Readonly<Partial<Record<DetectorName, string>>> = {
  policy_widened:
    'The policy allows more than before: an entry was added to the allowed origins, or credentials.',
  new_allowed_origin: 'A new front end of an allowed origin has been launched.',
  vanished_origin: 'The origin stopped calling: it moved, closed, or does not need the API any more.',
  volume_rise: 'More people call than usual: a campaign, or news.',
  volume_growth: 'Traffic has grown.',
  volume_fall: 'Fewer people call than usual: a holiday, or less demand.',
};

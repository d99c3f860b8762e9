import { OriginscopeError } from '../../core/errors.ts';
import {
  INCIDENT_CLASSES,
  type Incident,
  type IncidentClass,
  SEVERITIES,
  type Severity,
} from './incident.ts';

/** What decides whether an incident wakes a person. */
export interface PageFacts extends Pick<Incident, 'class' | 'severity' | 'service'> {
  /** Decisions with the same origin, route, method and requested headers were allowed before the change. */
  readonly allowedBefore: boolean;
  /** The affected requests carry fetch metadata and come from several clients: an `Origin` alone proves nothing. */
  readonly browserEvidence: boolean;
  /** An origin of an unrelated site is now allowed with credentials, and was not before. */
  readonly credentialsNewlyAllowed: boolean;
}

/** What a rule decides: `page` and `ticket` whatever the facts are, `default` as if there were no rules. */
export const PAGE_DECISIONS = ['page', 'ticket', 'default'] as const;
export type PageDecision = (typeof PAGE_DECISIONS)[number];

/** Matches incidents by what is given; the first rule that matches decides. */
export interface PageRule {
  readonly class?: IncidentClass;
  readonly severity?: Severity;
  readonly service?: string;
  readonly decision: PageDecision;
}

/**
 * Whether an incident wakes a person. By default two kinds do: breakage of what was allowed before, seen by
 * browsers, and credentials newly allowed for an unrelated site. Everything else is a ticket, because any program
 * can send any `Origin`.
 */
export function shouldPage(facts: PageFacts, rules: readonly PageRule[] = []): boolean {
  const decision = rules.find((rule) => matches(rule, facts))?.decision ?? 'default';
  return decision === 'default' ? pagesByDefault(facts) : decision === 'page';
}

function pagesByDefault(facts: PageFacts): boolean {
  if (facts.credentialsNewlyAllowed) return true;
  return facts.class === 'breakage' && facts.allowedBefore && facts.browserEvidence;
}

function matches(rule: PageRule, facts: PageFacts): boolean {
  return (['class', 'severity', 'service'] as const).every(
    (key) => rule[key] === undefined || rule[key] === facts[key],
  );
}

/**
 * Reads rules as a setting has them: `class[:severity[:service]]=page|ticket|default`, separated by commas, with
 * `*` for any. For example `breakage:*:orders=page,suspicious:critical=page,*=ticket`.
 *
 * @throws OriginscopeError `PAGE_RULES_INVALID`
 */
export function parsePageRules(text: string): PageRule[] {
  return text.split(',').map((part) => parseRule(part.trim()));
}

function parseRule(text: string): PageRule {
  const equals = text.lastIndexOf('=');
  const [className = '', severity = '*', ...service] = text.slice(0, equals).split(':');
  const decision = text.slice(equals + 1);
  if (equals < 1 || !isOneOf(PAGE_DECISIONS, decision)) {
    throw invalid(text, `a rule ends with "=" and one of ${PAGE_DECISIONS.join(', ')}`);
  }
  if (className !== '*' && !isOneOf(INCIDENT_CLASSES, className)) {
    throw invalid(text, `the class is "*" or one of ${INCIDENT_CLASSES.join(', ')}`);
  }
  if (severity !== '*' && !isOneOf(SEVERITIES, severity)) {
    throw invalid(text, `the severity is "*" or one of ${SEVERITIES.join(', ')}`);
  }
  const serviceName = service.join(':');
  return {
    ...(className !== '*' && { class: className }),
    ...(severity !== '*' && { severity }),
    ...(serviceName !== '' && serviceName !== '*' && { service: serviceName }),
    decision,
  };
}

function isOneOf<const Value extends string>(values: readonly Value[], text: string): text is Value {
  return (values as readonly string[]).includes(text);
}

function invalid(rule: string, expected: string): OriginscopeError {
  return new OriginscopeError('PAGE_RULES_INVALID', { rule, expected });
}

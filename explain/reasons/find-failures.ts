import { type OtherFailure, otherFailureOf } from './other-failures.ts';

/** A message about a request that failed for another reason than CORS. */
export interface FoundFailure {
  readonly failure: OtherFailure;
  readonly url: string | undefined;
  /** The name of the error, or the directive of the policy; empty when the message has none. */
  readonly detail: string;
}

/** All such messages of Chrome, Firefox and Safari in the text, without duplicates. */
export function findFailures(text: string): readonly FoundFailure[] {
  const found = new Map<string, FoundFailure>();
  for (const line of text.split('\n')) {
    const one = matchLine(line);
    if (one === undefined) continue;
    const key = `${one.failure} ${one.url}`;
    // Chrome says it twice, once without the directive.
    if (!found.get(key)?.detail) found.set(key, one);
  }
  const all = [...found.values()];
  return all.filter(
    (one) => one.url !== undefined || !all.some((other) => other !== one && other.failure === one.failure),
  );
}

/**
 * Whether the text is a message for requests that failed before any response, or a follow-up of another
 * message.
 */
export function isWithoutReason(text: string): boolean {
  return UNSPECIFIC.some((words) => words.test(text));
}

const UNSPECIFIC: readonly RegExp[] = [
  /due to access control checks/,
  /Failed to fetch/,
  /NetworkError when attempting to fetch resource/,
  /Load failed/,
  /net::ERR_FAILED/,
  // Of Firefox in any language: it names no header.
  /https?:\/\/.*CORS/,
];

function matchLine(line: string): FoundFailure | undefined {
  const url = (pattern: RegExp) => pattern.exec(line)?.[0];
  if (/address space|Local Network Access|Private Network Access/i.test(line)) {
    return { failure: 'local_network_access', url: url(ANY_URL), detail: '' };
  }
  const directive = /\b(?:connect|default)-src\b/.exec(line)?.[0];
  if (
    /Content[- ]Security[- ]Policy/i.test(line) ||
    (directive !== undefined && line.includes(`(${directive})`))
  ) {
    return { failure: 'content_security_policy', url: url(ANY_URL), detail: directive ?? '' };
  }
  if (/mixed (?:active |display )?content|insecure (?:content|resource|XMLHttpRequest)/i.test(line)) {
    return { failure: 'mixed_content', url: url(INSECURE_URL), detail: '' };
  }
  const error = /\bnet::ERR_[A-Z0-9_]+|\b(?:NS|SEC|SSL)_ERROR_[A-Z0-9_]+/.exec(line)?.[0];
  const failure = error === undefined ? undefined : otherFailureOf(error);
  if (failure !== undefined) return { failure, url: url(ANY_URL), detail: error ?? '' };
  return SAFARI_NOT_CONNECTED.test(line)
    ? { failure: 'network_failure', url: url(ANY_URL), detail: 'Could not connect to the server' }
    : undefined;
}

const ANY_URL = /\b(?:https?|wss?):\/\/[^\s'"“”‘’«»<>`]*[^\s'"“”‘’«»<>`.,;:)]/;
const INSECURE_URL = /\b(?:http|ws):\/\/[^\s'"“”‘’«»<>`]*[^\s'"“”‘’«»<>`.,;:)]/;
const SAFARI_NOT_CONNECTED = /Could not connect to (?:the server|\S+: Connection refused)|Connection refused/;

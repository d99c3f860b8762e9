import { OTHER } from './attributes.ts';
import { cleanText } from './fetch-standard/clean-text.ts';
import { guard, requireSync } from './guard.ts';
import type { Observation } from './observation.ts';

/** The parts of an observation that were chosen by clients or identify resources. */
export interface RedactableText {
  readonly origin: string;
  readonly detail: string;
  readonly requestMethod: string;
  readonly requestHeaders: readonly string[];
  readonly serverAddress: string | undefined;
  readonly route: string | undefined;
  readonly path: string | undefined;
}

/** Returns replacements; fields that it omits are unchanged. */
export type Redact = (text: RedactableText) => Partial<RedactableText>;

/** Used when the application's function fails: everything that it might have hidden. */
const EVERYTHING: RedactableText = {
  origin: OTHER,
  detail: '',
  requestMethod: OTHER,
  requestHeaders: [],
  serverAddress: undefined,
  route: undefined,
  path: undefined,
};

/** Applies the application's redaction; verdict and counts are not affected. */
export function redactBy(redact: Redact): (observation: Observation) => Observation {
  const redactedText = guard(
    'The option redact',
    (text: RedactableText) => checked(text, requireSync(redact(text))),
    EVERYTHING,
  );
  return (observation) => {
    const { decision } = observation;
    const { serverAddress, route, path, ...ofDecision } = redactedText({
      origin: decision.origin,
      detail: decision.detail,
      requestMethod: decision.requestMethod,
      requestHeaders: decision.requestHeaders,
      serverAddress: observation.serverAddress,
      route: observation.route,
      path: observation.path,
    });
    return { ...observation, serverAddress, route, path, decision: { ...decision, ...ofDecision } };
  };
}

function checked(text: RedactableText, answer: Partial<RedactableText>): RedactableText {
  const names = 'requestHeaders' in answer ? answer.requestHeaders : text.requestHeaders;
  if (!Array.isArray(names)) throw new TypeError('requestHeaders must be a list of strings');
  return {
    origin: string('origin', text, answer),
    detail: string('detail', text, answer),
    requestMethod: string('requestMethod', text, answer),
    requestHeaders:
      names === text.requestHeaders ? names : names.map((name: unknown) => cleanText(String(name), 64)),
    serverAddress: optional('serverAddress', text, answer),
    route: optional('route', text, answer),
    path: optional('path', text, answer),
  };
}

type StringName = 'origin' | 'detail' | 'requestMethod';
type OptionalName = 'serverAddress' | 'route' | 'path';

function string(name: StringName, text: RedactableText, answer: Partial<RedactableText>): string {
  const value = name in answer ? answer[name] : text[name];
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string`);
  return cleanText(value);
}

function optional(
  name: OptionalName,
  text: RedactableText,
  answer: Partial<RedactableText>,
): string | undefined {
  const value = name in answer ? answer[name] : text[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string or undefined`);
  return cleanText(value, 512);
}

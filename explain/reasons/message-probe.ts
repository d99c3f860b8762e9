import { isToken } from '../../instrumentation/src/fetch-standard/token-list.ts';
import { FORCING_PREFLIGHT, preflightedHeader, probeCommand } from '../probe-command.ts';
import { isSetByBrowser } from '../recordings/browser-headers.ts';
import type { FoundMessage } from './found-message.ts';

/** A command that reproduces what a message says, and what must be known to adapt it. */
export interface MessageProbe {
  readonly command: string;
  /** What the message does not say; sentences for a person. */
  readonly hints: readonly string[];
}

/** The command that repeats the request of a console message so that it fails for the same reason. */
export function probeOfMessage(message: FoundMessage): MessageProbe {
  const { url, firstUrl, origin, reasons, detail, ofPreflight } = message;
  const [reason] = reasons;
  const hints: string[] = [];
  let method: string | undefined;
  let headers: readonly (readonly [string, string])[] = [];
  if (reason === 'method_not_allowed') {
    method = detail || 'METHOD';
    if (detail === '') hints.push('METHOD stands for the method of the request.');
  } else if (reason === 'header_not_allowed') {
    if (isToken(detail) && !isSetByBrowser(detail.toLowerCase())) headers = [preflightedHeader(detail)];
  } else if (ofPreflight) {
    headers = FORCING_PREFLIGHT.headers;
    // A POST would not be sent, and so not be redirected.
    if (firstUrl === undefined) method = FORCING_PREFLIGHT.method;
    hints.push(
      'The message does not say which method or header needs the preflight; those of the command are only examples that need one, too.',
    );
  }
  const isAboutList = reason === 'method_not_allowed' || reason === 'header_not_allowed';
  if (isAboutList) hints.push('If it is allowed, the request has credentials: add --credentials.');
  if (url === undefined) hints.push('URL stands for the URL of the request.');
  if (origin === undefined) hints.push('ORIGIN stands for the origin of the page.');
  const isAboutResponse = reason.startsWith('aca') && !isAboutList && !ofPreflight;
  if (message.browser === 'safari' && isAboutResponse)
    hints.push('If it is allowed, the preflight failed: add the method and the headers of the request.');
  if (message.browser !== 'chrome' && isAboutResponse)
    hints.push('If the request was redirected, give the URL that the page requested.');
  const credentials = reason === 'acao_wildcard_with_credentials' || reason === 'acac_not_true';
  return {
    command: probeCommand({
      url: firstUrl ?? url ?? 'URL',
      origin: origin ?? 'ORIGIN',
      ...(method !== undefined && { method }),
      headers,
      credentials,
    }),
    hints,
  };
}

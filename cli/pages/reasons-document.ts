import { browserDifferences } from '../../explain/browser-differences.ts';
import { BROWSER_NAMES, BROWSERS, type Browser } from '../../explain/browsers.ts';
import { explainRequest } from '../../explain/explanation.ts';
import { asOfPreflight, CONSOLE_MESSAGES } from '../../explain/reasons/console-messages.ts';
import { NOTE_TEXTS } from '../../explain/reasons/note-texts.ts';
import { OTHER_FAILURES } from '../../explain/reasons/other-failures.ts';
import { REASON_CAUSES } from '../../explain/reasons/reason-causes.ts';
import { REASON_EXAMPLES } from '../../explain/reasons/reason-examples.ts';
import { REASON_TEXTS } from '../../explain/reasons/remedies.ts';
import { STANDARD_STEPS } from '../../explain/reasons/standard-steps.ts';
import { probeOfRecorded } from '../../explain/recorded-probe.ts';
import { headerOf, type RecordedExchange } from '../../explain/recordings/recorded-request.ts';
import {
  BLOCKED_REASONS,
  type Decision,
  type Kind,
  NOTES,
  type Note,
  type Reason,
  UNKNOWN_REASONS,
} from '../../instrumentation/src/fetch-standard/decision.ts';
import { remedyOf } from './explanation-page.ts';
import { markdownTable } from './markdown-table.ts';

/** Generates docs/reasons.md from the texts that `explain` and `report` print. */
export function reasonsDocument(): string {
  return `${[
    INTRODUCTION,
    '## Why a browser blocks a response',
    ...BLOCKED_REASONS.map(section),
    '## Why there is no verdict',
    'These are not messages of browsers: a browser knows the verdict, but the recorded data does not determine it.',
    ...UNKNOWN_REASONS.map(section),
    '## Failures that are not CORS',
    'The page gets the same `TypeError`, but no header of the response is the cause. `originscope explain` recognises them in a HAR and in console messages.',
    ...Object.entries(OTHER_FAILURES).map(([name, { title, cause, remedy }]) =>
      [`### \`${name}\``, `**${title}.** ${cause}`, `**Remedy:** ${remedy}`].join('\n\n'),
    ),
    '## Notes',
    'Findings that do not change the verdict, but matter to the owner of an API.',
    ...NOTES.map((note) => [`### \`${note}\``, NOTE_TEXTS[note], ...warnings(note)].join('\n\n')),
    '## Where browsers differ',
    'Measured in Chromium 156, Firefox 153 and WebKitGTK 2.50, which has the engine of Safari; a test repeats it where they are installed. A verdict is that of Chrome unless stated otherwise: `originscope explain` and `originscope probe` say where browsers differ, and with `--browser` what one of them does.',
    differences(),
  ].join('\n\n')}\n`;
}

function differences(): string {
  const rows = browserDifferences().map(({ about, standard, chrome, firefox, safari }) => [
    about,
    standard,
    chrome,
    firefox,
    safari,
  ]);
  return markdownTable(['', 'Fetch standard', 'Chrome', 'Firefox', 'Safari'], rows);
}

const INTRODUCTION = `# Reasons

A browser blocks a cross-origin response for one of a few reasons. They have the same names everywhere in Originscope: in spans, tables, \`originscope report\`, \`originscope explain\` and alerts. For each of them this page has the cause, the messages in the browsers' consoles, an example exchange, and what to change.

Do you have a message from a console? Paste it: \`originscope explain -\`. Do you have a URL and an origin? \`originscope probe URL --origin ORIGIN\` sends the same requests as a browser.

The messages of Chrome and Firefox were recorded from Chromium 156 and Firefox 153 (a test compares Chrome's with the installed Chromium); those of Safari from WebKitGTK 2.50, and what no recorded case shows from WebKit's source. Variable parts are filled in from the example. A page's script never sees any of this: it gets a \`TypeError\` for every reason.

When a response has several problems, the reason is the one that Chromium reports. The order is: a redirected preflight, Access-Control-Allow-Origin, Access-Control-Allow-Credentials, the preflight's status, the syntax of the two lists, the method, the headers. So a preflight response of 403 without any header is \`acao_missing\`. Firefox names the first fault of Access-Control-Allow-Origin or Access-Control-Allow-Credentials even of a redirect, and the method before the syntax of the header list. Safari checks the preflight's status first: with another one than 200 to 299, its \`Preflight response is not successful\` also stands for a missing, wrong, repeated or wildcard Access-Control-Allow-Origin and for Access-Control-Allow-Credentials. The messages of Firefox in other languages name the same headers and are recognised as well.

Whether to allow an origin is a decision of the service's owner: nothing here means that an origin should be trusted.`;

function section(reason: Reason): string {
  const example = REASON_EXAMPLES[reason];
  const explanation = explainRequest(example);
  const { decisions, decidedBy } = explanation;
  const index = decidedBy ?? 0;
  const exchange = example.exchanges[index];
  const decision = decisions[index];
  if (exchange === undefined || decision === undefined) throw new Error(`${reason} has no example`);
  const values: Values = {
    sender: 'fetch',
    url: exchange.request.url,
    origin: decision.origin,
    value: MESSAGE_VALUES[reason] ?? decision.detail,
    method: decision.requestMethod,
    header: decision.detail,
    status: String(exchange.response.status),
    location: headerOf(exchange.response.headers, 'location') ?? '',
  };
  const step = STANDARD_STEPS[reason];
  return [
    `### \`${reason}\``,
    `**${REASON_TEXTS[reason].title}.** ${REASON_CAUSES[reason]}`,
    ...messages(reason, decision.kind, values),
    `\`\`\`http\n${wire(exchange)}\n\`\`\``,
    `**Remedy:** ${remedyOf(reason, decision, exchange)}${askFor(reason, probeOfRecorded(example, explanation))}${ofSpans(reason, decision)}`,
    `[${step.name}](${step.url})`,
  ].join('\n\n');
}

function askFor(reason: Reason, probe: string | undefined): string {
  return reason !== 'headers_not_captured' || probe === undefined ? '' : ` \`${probe}\``;
}

/** A span is recorded elsewhere than a browser's exchange. */
function ofSpans(reason: Reason, { kind, origin, detail }: Decision): string {
  if (reason !== 'headers_not_captured' || kind !== 'actual') return '';
  const call = { origin, kind, reason, detail, method: 'GET', requestedHeaders: [], statusCode: 0 } as const;
  return ` For spans of your services: ${REASON_TEXTS[reason].remedy(call)}`;
}

/** What browsers write to the console though they allow the request. */
function warnings(note: Note): readonly string[] {
  if (note !== 'authorization_covered_by_wildcard') return [];
  const text =
    'Cross-Origin Request Warning: The Same Origin Policy will disallow reading the remote resource at https://api.example/orders soon. (Reason: When the `Access-Control-Allow-Headers` is `*`, the `Authorization` header is not covered. To include the `Authorization` header, it must be explicitly listed in CORS header `Access-Control-Allow-Headers`).';
  return [`- Firefox: ${code(text)}`];
}

type Values = Readonly<Record<string, string>>;

/** What the messages show that is not the failing token. */
const MESSAGE_VALUES: Partial<Record<Reason, string>> = {
  // As recorded: Chrome keeps the password to itself.
  redirect_url_has_credentials: '',
  redirect_url_not_http:
    'chrome, chrome-experimental-site-token-provider, chrome-extension, chrome-untrusted, data, http, https, isolated-app',
};

function messages(reason: Reason, kind: Kind, values: Values): readonly string[] {
  const lines = BROWSERS.flatMap((browser) => {
    const templates = CONSOLE_MESSAGES.filter(
      (one) =>
        one.browser === browser &&
        one.reasons.includes(reason) &&
        (kind === 'preflight' || !one.ofPreflight) &&
        !one.ofRedirect,
    );
    if (templates.length === 0) return unspecific(browser, reason, values);
    return templates.flatMap(({ text }) => {
      const line = `- ${BROWSER_NAMES[browser]}: ${code(fill(text, values))}`;
      const isOfBoth = browser === 'chrome' && reason.startsWith('aca') && kind !== 'preflight';
      return isOfBoth
        ? [line, `- Chrome, of a preflight: ${code(fill(asOfPreflight(text), values))}`]
        : [line];
    });
  });
  return lines.length === 0 ? [] : [lines.join('\n')];
}

/** A browser that has no words of its own for a reason. */
function unspecific(browser: Browser, reason: Reason, values: Values): readonly string[] {
  if (browser !== 'firefox' || (UNKNOWN_REASONS as readonly string[]).includes(reason)) return [];
  const text =
    'Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at {url}. (Reason: CORS request did not succeed). Status code: (null).';
  return [`- Firefox: ${code(fill(text, values))} (and so of everything that has no answer)`];
}

function fill(text: string, values: Values): string {
  return text.replace(/\{([a-z]+)\}/g, (_, name: string) => values[name] ?? '');
}

/** Markdown's code, also of what holds backticks. */
function code(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}

function wire({ request, response }: RecordedExchange): string {
  const { host, pathname } = new URL(request.url);
  const lines = [`${request.method} ${pathname} HTTP/1.1`, `Host: ${host}`];
  for (const [name, value] of request.headers ?? []) lines.push(`${name}: ${value}`);
  lines.push('');
  if (response.status === undefined) lines.push('(nothing was recorded of the answer)');
  else lines.push(`HTTP/1.1 ${response.status}`);
  for (const [name, value] of response.headers ?? []) lines.push(`${name}: ${value}`);
  return lines.join('\n');
}

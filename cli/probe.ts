import { type Command, InvalidArgumentError, Option } from 'commander';
import { VERSION } from '../core/version.ts';
import type { Browser } from '../explain/browsers.ts';
import { type ComparedProbe, probeBrowsers } from '../explain/probe/probe-browsers.ts';
import { send } from '../explain/probe/send.ts';
import { isSetByBrowser } from '../explain/recordings/browser-headers.ts';
import type { HeaderList } from '../instrumentation/src/fetch-standard/decision.ts';
import { isSerialisedOrigin } from '../instrumentation/src/fetch-standard/origin.ts';
import { isToken } from '../instrumentation/src/fetch-standard/token-list.ts';
import { browserOption, browsersOf } from './browser-option.ts';
import { errorText } from './pages/error-text.ts';
import { renderExplanation } from './pages/explanation-page.ts';
import { pageOptions } from './pages/terminal.ts';
import { EXIT_CODES, EXIT_CODES_HELP, endOnMisuse } from './verdict-exit-codes.ts';

interface Flags {
  readonly origin: string;
  readonly browser?: Browser;
  readonly method: string;
  readonly header?: HeaderList;
  readonly credentials?: boolean;
  readonly send?: boolean;
  readonly timeout: number;
  readonly json?: boolean;
}

export function probe(command: Command): Command {
  return command
    .argument('<url>', 'URL that the page fetches', parseUrl)
    .addOption(
      new Option('--origin <origin>', 'origin of the page, for example https://app.example')
        .argParser(parseOrigin)
        .makeOptionMandatory(),
    )
    .option('-X, --method <method>', 'HTTP method', parseMethod, 'GET')
    .option('-H, --header <"name: value">', 'header that the page sets; repeatable', addHeader)
    .option('--credentials', "send the request with credentials: 'include'")
    .addOption(browserOption())
    .option('--send', 'also send methods other than GET and HEAD, which may have side effects')
    .option('--timeout <seconds>', 'timeout of each response', parseSeconds, 10)
    .option('--json', 'print one line of JSON')
    .exitOverride(endOnMisuse)
    .addHelpText('after', `\n${EXIT_CODES_HELP}`)
    .action(
      async (
        url: string,
        { origin, browser, method, header, credentials, send: sendUnsafe, timeout, json }: Flags,
      ) => {
        const userAgent = `Mozilla/5.0 (compatible; originscope/${VERSION})`;
        const probed = await probeBrowsers(
          browsersOf(browser),
          { origin, url, method, headers: header ?? [], credentials: credentials === true },
          {
            sendUnsafe: sendUnsafe === true,
            send: (request) => send(request, { timeoutMillis: timeout * 1000, userAgent }),
          },
        );
        print(probed, json === true);
        process.exitCode = exitCodeOf(probed);
      },
    );
}

function exitCodeOf({ explanation, failure, recorded }: ComparedProbe): number {
  if (explanation.verdict === 'blocked') return EXIT_CODES.blocked;
  return failure !== undefined || recorded.exchanges.length === 0
    ? EXIT_CODES.unknown
    : EXIT_CODES[explanation.verdict];
}

function print({ recorded, explanation, isHeldBack, failure }: ComparedProbe, json: boolean): void {
  if (json) console.log(JSON.stringify({ ...explanation, requestSent: !isHeldBack }));
  // There is nothing to show for a server that could not be reached.
  else if (recorded.exchanges.length > (failure === undefined ? 0 : 1)) {
    process.stdout.write(renderExplanation(recorded, explanation, pageOptions(process.stdout)));
  }
  if (isHeldBack) console.error(heldBack(recorded.exchanges.length > 0));
  if (failure !== undefined) console.error(errorText(failure));
}

function heldBack(hasPreflight: boolean): string {
  return hasPreflight
    ? '\nThe preflight is allowed, but the request itself was not sent because it may have side effects, and its response decides: --send sends it.'
    : 'Nothing was sent: a browser sends this request without a preflight, and it may have side effects: --send sends it.';
}

function parseUrl(text: string): string {
  if (!URL.canParse(text))
    throw new InvalidArgumentError('Give an absolute URL, for example https://api.example/orders.');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new InvalidArgumentError('Give an http or https URL.');
  if (url.username !== '' || url.password !== '') {
    throw new InvalidArgumentError('A page cannot fetch a URL with a user name or password in it.');
  }
  url.hash = '';
  return url.href;
}

/** Accepts the URL of a page for its origin. */
function parseOrigin(text: string): string {
  if (isSerialisedOrigin(text)) return text;
  const origin = URL.canParse(text) ? new URL(text).origin : 'null';
  if (origin === 'null')
    throw new InvalidArgumentError('Give scheme and host, for example https://app.example, or null.');
  return origin;
}

/** Normalises and validates a method: https://fetch.spec.whatwg.org/#concept-method-normalize, https://fetch.spec.whatwg.org/#forbidden-method. */
function parseMethod(text: string): string {
  if (!isToken(text)) throw new InvalidArgumentError('This is not a valid method.');
  const upper = text.toUpperCase();
  if (['CONNECT', 'TRACE', 'TRACK'].includes(upper))
    throw new InvalidArgumentError('A page cannot use this method.');
  return ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'].includes(upper) ? upper : text;
}

function addHeader(text: string, headers: HeaderList = []): HeaderList {
  const colon = text.indexOf(':');
  const name = text.slice(0, colon).trim();
  const value = text.slice(colon + 1).trim();
  if (colon < 1 || !isToken(name)) throw new InvalidArgumentError('Write it as "name: value".');
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
    throw new InvalidArgumentError('The value has characters no header can have.');
  if (isSetByBrowser(name.toLowerCase())) {
    throw new InvalidArgumentError(`A page cannot set ${name}: browsers do.`);
  }
  return [...headers, [name, value]];
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 600))
    throw new InvalidArgumentError('Give seconds, more than 0 and at most 600.');
  return seconds;
}

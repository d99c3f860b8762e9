import type { Reason } from '../../instrumentation/src/fetch-standard/decision.ts';
import type { Answer } from './browser-case.ts';
import {
  ALLOW_ANY,
  ALLOW_PAGE,
  ALLOW_PUT,
  allowHeaders,
  allowMethods,
  allowOrigin,
  along,
  answer,
  asking,
  hop,
  location,
  type NamedCase,
  ok,
} from './named-case.ts';

/** With a header, because a HAR does not show that there was none. */
const NOT_FOUND = answer(404, ['Allow', 'GET']);
const NEXT = location('{next}');
const ANYTHING = ok(ALLOW_ANY, allowMethods('*'), allowHeaders('*'));
const JSON_BODY = { headers: [['Content-Type', 'application/json']], body: '{}' } as const;
const AUTHORIZATION = asking('Authorization');
const redirect = (status: number): Answer => answer(status, ALLOW_ANY, NEXT);

/** A request that is redirected, with answers that allow everything but what is given. */
function redirected(
  how: string,
  sent: Parameters<typeof along>[2],
  status: number,
  to: 'api' | 'third' | 'page',
  preflight: Answer = ANYTHING,
  reason: Reason | '' = '',
): NamedCase {
  // Without credentials each wildcard allows, which a server that sees no Sec-Fetch-Storage-Access does not know.
  const seen = sent.seen ?? (reason === '' ? 'credentials_mode_unknown' : reason);
  return along(reason, how, { ...sent, seen }, [
    hop('api', redirect(status), ANYTHING),
    hop(to, ok(ALLOW_ANY), preflight),
  ]);
}

const HINTS = [
  'Save-Data',
  'DPR',
  'Width',
  'Viewport-Width',
  'Device-Memory',
  'Downlink',
  'RTT',
  'ECT',
] as const;
const HINT_VALUES: Readonly<Record<string, string>> = { 'Save-Data': 'on', ECT: '4g' };

/** Where engines differ in what they send, or in what they do with the answer; the reasons are Chromium's. */
export const engineCases: readonly NamedCase[] = [
  redirected('PUT becomes GET within an origin', { method: 'PUT' }, 303, 'api', ANYTHING),
  redirected('PUT becomes GET at another origin', { method: 'PUT' }, 303, 'third', ANYTHING),
  redirected('PUT becomes GET, whose preflight would fail', { method: 'PUT' }, 303, 'api', NOT_FOUND),
  redirected(
    'PUT becomes GET elsewhere, whose preflight would fail',
    { method: 'PUT' },
    303,
    'third',
    NOT_FOUND,
  ),
  redirected('JSON becomes GET', { method: 'POST', ...JSON_BODY }, 302, 'api'),
  redirected('JSON becomes GET elsewhere', { method: 'POST', ...JSON_BODY }, 303, 'third'),
  redirected('JSON stays', { method: 'POST', ...JSON_BODY }, 307, 'api'),
  redirected('PUT stays', { method: 'PUT' }, 307, 'api'),
  redirected('PUT stays at another origin', { method: 'PUT' }, 307, 'third'),
  redirected('PUT stays and returns to the page', { method: 'PUT' }, 308, 'page'),
  redirected('a header stays', asking('X-A'), 302, 'api'),
  redirected('a header stays at another origin', asking('X-A'), 302, 'third'),
  redirected('Authorization stays', AUTHORIZATION, 302, 'api'),
  redirected('Authorization is removed', AUTHORIZATION, 302, 'third'),
  redirected('Authorization is removed, whose preflight would fail', AUTHORIZATION, 302, 'third', NOT_FOUND),
  redirected('Authorization is removed, a header stays', asking('Authorization', 'X-A'), 302, 'third'),
  // Not DELETE, which WebKitGTK turns into GET here.
  redirected('PATCH stays at another origin', { method: 'PATCH' }, 307, 'third'),
  redirected('PATCH becomes GET', { method: 'PATCH' }, 303, 'api'),
  redirected(
    'PUT stays at another origin that allows null',
    { method: 'PUT' },
    307,
    'third',
    ok(allowOrigin('null'), ALLOW_PUT),
  ),
  redirected(
    'PUT stays at another origin that allows the page',
    { method: 'PUT' },
    307,
    'third',
    ok(ALLOW_PAGE, ALLOW_PUT),
    'acao_mismatch',
  ),
  redirected(
    'PUT stays at another origin that allows nobody',
    { method: 'PUT' },
    307,
    'third',
    answer(403, ['Server', 'x']),
    'acao_missing',
  ),
  along('', 'PUT leaves the own origin', { method: 'PUT', seen: 'credentials_mode_unknown' }, [
    hop('page', answer(307, NEXT)),
    hop('api', ok(ALLOW_ANY), ANYTHING),
  ]),
  along('', 'PUT becomes GET and leaves the own origin', { method: 'PUT', seen: '' }, [
    hop('page', answer(303, NEXT)),
    hop('api', ok(ALLOW_ANY), NOT_FOUND),
  ]),
  along('', 'three hops', { method: 'PUT', seen: 'credentials_mode_unknown' }, [
    hop('api', redirect(307), ANYTHING),
    hop('third', redirect(307), ANYTHING),
    hop('third', ok(ALLOW_ANY), ANYTHING),
  ]),
  along('', 'GET of three hops', { seen: 'credentials_mode_unknown' }, [
    hop('api', redirect(302)),
    hop('third', redirect(302)),
    hop('api', ok(ALLOW_ANY)),
  ]),
  along('', 'an empty Location', {}, [hop('api', answer(302, ALLOW_ANY, location('')))]),
  along('', 'a redirect without a Location', {}, [hop('api', answer(302, ALLOW_ANY))]),
  ...HINTS.map((name) =>
    along('', `the client hint ${name}`, { headers: [[name, HINT_VALUES[name] ?? '1']] }, [
      hop('api', ok(ALLOW_ANY), ANYTHING),
    ]),
  ),
  along('', 'the client hint DPR, whose preflight would fail', { headers: [['DPR', '2']] }, [
    hop('api', ok(ALLOW_ANY), NOT_FOUND),
  ]),
  along('acao_missing', 'the client hint DPR with an invalid value', { headers: [['DPR', 'x']] }, [
    hop('api', ok(ALLOW_ANY), NOT_FOUND),
  ]),
  along(
    '',
    'headers that need no preflight',
    {
      headers: [
        ['Accept', 'text/plain'],
        ['Content-Language', 'de'],
      ],
    },
    [hop('api', ok(ALLOW_ANY), NOT_FOUND)],
  ),
  along('', 'HEAD', { method: 'HEAD' }, [hop('api', ok(ALLOW_ANY), NOT_FOUND)]),
  along('acao_missing', 'Accept with an unsafe byte', { headers: [['Accept', '(']] }, [
    hop('api', ok(ALLOW_ANY), NOT_FOUND),
  ]),
  along('acao_missing', 'Range without a start', { headers: [['Range', 'bytes=-5']] }, [
    hop('api', ok(ALLOW_ANY), NOT_FOUND),
  ]),
  along('', 'Range with a start', { headers: [['Range', 'bytes=0-5']] }, [
    hop('api', ok(ALLOW_ANY), NOT_FOUND),
  ]),
  along(
    'acao_missing',
    'a header that is longer than 128 bytes',
    { headers: [['Accept', 'x'.repeat(129)]] },
    [hop('api', ok(ALLOW_ANY), NOT_FOUND)],
  ),
  along('preflight_status_not_ok', 'a preflight that is not found', { method: 'PUT' }, [
    hop('api', ok(ALLOW_ANY), answer(404, ...ANYTHING.headers)),
  ]),
  along('', 'a preflight answered 299', { method: 'PUT', seen: 'credentials_mode_unknown' }, [
    hop('api', ok(ALLOW_ANY), answer(299, ...ANYTHING.headers)),
  ]),
];

/** Chromium blocks these without naming a reason. */
export const silentCases: readonly NamedCase[] = [
  along('redirect_url_has_credentials', 'within the own origin', {}, [
    hop('page', answer(302, location('http://u@{next-host}'))),
    hop('page', ok()),
  ]),
  along('redirect_url_has_credentials', 'within the own origin, with a password', {}, [
    hop('page', answer(302, location('http://u:p@{next-host}'))),
    hop('page', ok()),
  ]),
];

import type { DetectorName, Signal, Subject } from '../../analyzer/detectors/detection.ts';
import type { AffectedValue, Incident } from '../../analyzer/incidents/incident.ts';
import { anIncident, resolved } from './incidents.ts';

const base = anIncident();
const NOTHING_AFFECTED = { origins: [], routes: [], reasons: [], requestedHeaders: [], versions: [] };

const affected = (value: string, decisions: number, share = 1, baselineShare = 0): AffectedValue[] => [
  { value, decisions, share, baselineShare },
];

function signal(
  detector: DetectorName,
  subject: Subject,
  sentence: string,
  [observed, expected, unit]: [number, number, string],
): Signal {
  const { service, environment, startedAt, detectedAt } = base;
  return {
    detector,
    service,
    environment,
    subject,
    sentence,
    observed,
    expected,
    unit,
    score: 0,
    since: startedAt,
    at: detectedAt,
  };
}

const origin = (value: string): Subject => ({ kind: 'origin', value });
const calm = { ...base, page: false, severity: 'warning' } as const;

/** One of each kind that people get, in the words that detection uses. */
export const INCIDENT_EXAMPLES: Readonly<Record<string, Incident>> = {
  'allowlist entry lost': base,
  'header dropped from the policy': {
    ...base,
    id: '0000000000000002',
    subject: { kind: 'header', value: 'traceparent' },
    signals: [
      signal(
        'flip',
        { kind: 'header', value: 'traceparent' },
        'Preflights that ask for traceparent were allowed 2,310 times in 24 hours and are blocked since 02:14: 402 of 402, from 3 origins and 211 clients',
        [201, 0, 'blocked preflights a minute'],
      ),
      signal(
        'block_rate',
        { kind: 'service', value: 'orders' },
        '88 % of the preflights of orders fail, usually 1 %',
        [0.88, 0.0104, 'of all preflights'],
      ),
    ],
    evidence: {
      for: [
        'All 402 blocked preflights ask for traceparent; none of 57 without it is blocked',
        '3 of 3 allowed origins are affected in the same minute',
      ],
      against: [],
    },
    cause: 'Access-Control-Allow-Headers has not named traceparent since 02:14; until then it did',
    change: 'add traceparent to Access-Control-Allow-Headers of orders',
    affected: {
      origins: [
        ...affected('https://app.example', 301, 0.75, 0.71),
        ...affected('https://admin.example', 90, 0.22, 0.24),
        ...affected('https://m.example', 11, 0.03, 0.05),
      ],
      routes: affected('POST /orders', 402, 1, 0.4),
      reasons: affected('header_not_allowed', 402, 1, 0.002),
      requestedHeaders: affected('traceparent', 402, 1, 0.85),
      versions: [],
    },
    decisions: 402,
  },
  'upstream errors without CORS headers': {
    ...base,
    id: '0000000000000003',
    subject: { kind: 'route', value: 'GET /stock' },
    signals: [
      signal(
        'block_rate',
        { kind: 'route', value: 'GET /stock' },
        'GET /stock is answered 503 without CORS headers',
        [620, 2.5, 'blocked requests a minute'],
      ),
    ],
    evidence: {
      for: ['1,240 of 1,240 blocked answers have the status 503', '4 of 4 allowed origins are affected'],
      against: ['The 1,911 answers with other statuses carry the CORS headers as before'],
    },
    cause: 'an upstream, proxy or limiter answers 503 in place of the service, without CORS headers',
    change: '',
    affected: {
      ...NOTHING_AFFECTED,
      origins: affected('https://app.example', 1_000, 0.81, 0.8),
      routes: affected('GET /stock', 1_240, 1, 0.33),
      reasons: affected('acao_missing', 1_240, 1, 0.001),
    },
    decisions: 1_240,
  },
  'credentials newly allowed for an unrelated site': {
    ...base,
    id: '0000000000000004',
    class: 'misconfiguration',
    subject: origin('https://evil.example'),
    signals: [
      signal(
        'origin_reflection',
        origin('https://evil.example'),
        'https://evil.example and 11 other unrelated sites are allowed with credentials since 02:14; before, none of 340 such requests was',
        [12, 0, 'unrelated sites allowed'],
      ),
    ],
    evidence: {
      for: [
        'Access-Control-Allow-Origin equalled Origin in 57 of 57 answers, for 12 unrelated sites',
        'Access-Control-Allow-Credentials was true in all of them',
      ],
      against: ['No request with cookies came from any of these sites yet'],
    },
    cause: 'version 2.4.1 reflects the Origin header',
    change: 'compare Origin with the list of allowed origins in place of reflecting it',
    affected: {
      ...NOTHING_AFFECTED,
      origins: affected('https://evil.example', 40, 0.7),
      versions: affected('2.4.1', 57, 1, 0.5),
    },
    decisions: 57,
  },
  'lookalike of an allowed origin': {
    ...calm,
    id: '0000000000000005',
    class: 'suspicious',
    subject: origin('https://app-example.com'),
    signals: [
      signal(
        'lookalike',
        origin('https://app-example.com'),
        'https://app-example.com looks like the allowed https://app.example (score 0.75) and called 14 times, first at 02:14',
        [14, 0, 'requests'],
      ),
    ],
    evidence: {
      for: ['Its name joins the labels of https://app.example', 'Never seen in 15 days'],
      against: ['All 14 requests were blocked', '11 of 14 carry the fetch metadata of browsers'],
    },
    cause: '',
    change: '',
    affected: {
      ...NOTHING_AFFECTED,
      origins: affected('https://app-example.com', 14),
      routes: affected('GET /orders', 14, 1, 0.3),
      reasons: affected('acao_missing', 14, 1, 0.4),
    },
    decisions: 14,
  },
  'probing burst': {
    ...calm,
    id: '0000000000000006',
    severity: 'info',
    class: 'suspicious',
    subject: { kind: 'service', value: 'orders' },
    signals: [
      signal(
        'novelty_burst',
        { kind: 'service', value: 'orders' },
        '212 origins called for the first time within 4 minutes',
        [53, 0.2, 'new origins a minute'],
      ),
    ],
    evidence: {
      for: [
        '208 of 212 origins called once or twice',
        'All 230 requests came from one client',
        'None carries fetch metadata',
      ],
      against: [],
    },
    cause: '',
    change: '',
    affected: {
      ...NOTHING_AFFECTED,
      origins: [
        'https://orders.example.evil.test',
        'null',
        'http://app.example',
        'https://xapp.example',
        'https://a.test',
      ].flatMap((value) => affected(value, 2, 0.009)),
      reasons: affected('acao_missing', 230, 1, 0.4),
    },
    decisions: 230,
  },
  'launch of a new front end': {
    ...calm,
    id: '0000000000000007',
    severity: 'info',
    class: 'legitimate_shift',
    subject: origin('https://shop.example'),
    signals: [
      signal(
        'new_allowed_origin',
        origin('https://shop.example'),
        'https://shop.example makes 18 % of the decisions, before 0 %',
        [0.18, 0, 'of all decisions'],
      ),
    ],
    evidence: {
      for: [
        'All of its 5,210 requests are allowed',
        '1,904 clients',
        'Actual requests follow 99 % of its preflights',
      ],
      against: ['The origin is new'],
    },
    cause: '',
    change: '',
    affected: { ...NOTHING_AFFECTED, origins: affected('https://shop.example', 5_210) },
    decisions: 5_210,
  },
  'null allowed': {
    ...calm,
    id: '0000000000000008',
    class: 'misconfiguration',
    subject: origin('null'),
    signals: [
      signal('null_allowed', origin('null'), 'Origin null was allowed 31 times in the last hour', [
        31,
        0,
        'allowed requests',
      ]),
    ],
    evidence: {
      for: ['Access-Control-Allow-Origin was null in 31 of 31 answers'],
      against: ['Without credentials'],
    },
    cause: '"null" is in the list of allowed origins, or origins are reflected',
    change: 'remove "null" from the allowed origins of orders',
    affected: {
      ...NOTHING_AFFECTED,
      origins: affected('null', 31),
      routes: affected('GET /orders', 31, 1, 0.3),
    },
    decisions: 31,
  },
  'telemetry gap': {
    ...calm,
    id: '0000000000000009',
    class: 'telemetry_gap',
    subject: { kind: 'service', value: 'orders' },
    signals: [
      signal(
        'silence',
        { kind: 'service', value: 'orders' },
        'No decision of orders arrived since 02:14, and usually 240 a minute do',
        [0, 240, 'decisions a minute'],
      ),
    ],
    evidence: {
      for: ['All 14 series of the service fell silent in the same minute'],
      against: ['payments, on the same hosts, goes on'],
    },
    cause: '',
    change: '',
    affected: NOTHING_AFFECTED,
    decisions: 0,
  },
  'over after a rollback': resolved(
    {
      ...base,
      id: '000000000000000a',
      evidence: {
        ...base.evidence,
        for: [
          ...base.evidence.for,
          'Version 2.4.1 is gone since 02:39, and 31 of 31 requests since are allowed',
        ],
      },
    },
    base.startedAt + 26 * 60_000,
  ),
};

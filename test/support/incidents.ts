import type { Incident } from '../../analyzer/incidents/incident.ts';

/** 2026-11-28 02:14 UTC. */
const STARTED_AT = Date.UTC(2026, 10, 28, 2, 14);

/** An incident as detection makes it: an allowlist entry was lost with a deployment. */
export function anIncident(changes: Partial<Incident> = {}): Incident {
  return {
    id: 'a1b2c3d4e5f60718',
    service: 'orders',
    environment: 'production',
    class: 'breakage',
    severity: 'critical',
    page: true,
    state: 'firing',
    subject: { kind: 'origin', value: 'https://app.example' },
    startedAt: STARTED_AT,
    detectedAt: STARTED_AT + 2 * 60_000,
    resolvedAt: undefined,
    signals: [
      {
        detector: 'flip',
        service: 'orders',
        environment: 'production',
        subject: { kind: 'origin', value: 'https://app.example' },
        observed: 41,
        expected: 0,
        unit: 'blocked requests a minute',
        score: 0,
        since: STARTED_AT,
        at: STARTED_AT + 2 * 60_000,
        sentence:
          'POST /orders of https://app.example was allowed 18,204 times in 7 days and is blocked since 02:14: 82 of 82 decisions, of 61 clients',
      },
    ],
    evidence: {
      for: [
        'allowed until 02:13 with the same route, method and requested headers',
        '82 of 82 blocked requests carry the fetch metadata of browsers, from 61 clients',
        'version 2.4.1 blocks 82 of 82, version 2.4.0 none of 77 in the same minutes',
      ],
      against: ['only 3 of 8 instances run version 2.4.1'],
    },
    cause: 'version 2.4.1 does not name https://app.example in its allowlist',
    change: 'add https://app.example to the allowed origins of orders, or roll back to 2.4.0',
    affected: {
      origins: [{ value: 'https://app.example', decisions: 82, share: 1, baselineShare: 0.31 }],
      routes: [
        { value: 'POST /orders', decisions: 61, share: 0.74, baselineShare: 0.2 },
        { value: 'GET /orders/{id}', decisions: 21, share: 0.26, baselineShare: 0.35 },
      ],
      reasons: [{ value: 'acao_missing', decisions: 82, share: 1, baselineShare: 0.004 }],
      requestedHeaders: [],
      versions: [{ value: '2.4.1', decisions: 82, share: 1, baselineShare: 0.52 }],
    },
    decisions: 82,
    ...changes,
  };
}

/** The same, resolved. */
export function resolved(incident: Incident, resolvedAt: number): Incident {
  return { ...incident, state: 'resolved', resolvedAt };
}

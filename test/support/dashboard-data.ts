import type { ClickHouseClient } from '@clickhouse/client';
import { saveAnalyzedUntil, saveIncidents, saveVerdict } from '../../analyzer/incidents/incident-store.ts';
import type { ClickHouse } from '../../clickhouse/connection.ts';
import type { DecisionSpan } from '../../clickhouse/decision-span.ts';
import { createWriter } from '../../collector/ingest/writer.ts';
import { createPublisher } from '../../collector/publication/publisher.ts';
import { SLOT_MILLIS } from '../../core/slots.ts';
import { blocked, decisionSpan } from './decision-spans.ts';
import { anIncident } from './incidents.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export interface DashboardData {
  /** End of the ranges that have something for every panel; epoch milliseconds, five minutes into a slot. */
  readonly now: number;
  /** Everything that was written and is counted. */
  readonly spans: readonly DecisionSpan[];
}

/**
 * Traffic that gives every panel something to show in the last 15 minutes, 7 days and 13 months: two services of
 * which a new version blocks more, a gateway, preflights, losses, and slots in every state.
 *
 * @param strangers each one is an origin of pages, and a service with its environment, versions and routes
 */
export async function fillForDashboards(
  clickHouse: ClickHouse,
  strangers: readonly string[] = [],
): Promise<DashboardData> {
  const slot = Math.floor(Date.now() / SLOT_MILLIS) * SLOT_MILLIS - SLOT_MILLIS;
  const now = slot + 5 * MINUTE;
  const spans: DecisionSpan[] = [];
  // As in life: written when it happened, and published then. The newest slot stays raw.
  for (const time of [now - 200 * DAY, now - 20 * DAY, now - 10 * DAY, now - 3 * DAY, now - 3 * HOUR]) {
    const then = trafficAt(time, spans.length, strangers);
    await write(clickHouse, then, time + MINUTE);
    spans.push(...then);
    await publisherAt(clickHouse, time + HOUR).tick();
  }
  for (const time of [slot - 19 * MINUTE, slot - 9 * MINUTE, slot - 4 * MINUTE]) {
    const then = trafficAt(time, spans.length, strangers);
    await write(clickHouse, then, now);
    spans.push(...then);
  }
  await publisherAt(clickHouse, now).tick();
  const newest = trafficAt(slot + MINUTE, spans.length, strangers, [{ origin: 'https://newest.example' }]);
  await write(clickHouse, newest, now);
  spans.push(...newest);
  spans.push(...(await makeTrouble(clickHouse, slot, now)));
  await reportIncidents(clickHouse.writing, now, strangers);
  return { now, spans };
}

/** One that is open, one that has ended, and one of each stranger, as an analyzer stores them that has stopped since. */
async function reportIncidents(
  client: ClickHouseClient,
  now: number,
  strangers: readonly string[],
): Promise<void> {
  const minute = Math.floor(now / MINUTE) * MINUTE;
  const incidents = [
    anIncident({ service: 'checkout', startedAt: now - 12 * MINUTE, detectedAt: now - 10 * MINUTE }),
    anIncident({
      id: 'b000000000000001',
      service: 'search',
      class: 'legitimate_shift',
      startedAt: now - 2 * DAY,
      detectedAt: now - 2 * DAY + HOUR,
    }),
    ...strangers.map((name, index) =>
      anIncident({
        id: `c00000000000000${index}`,
        service: name,
        environment: name,
        subject: { kind: 'origin', value: name },
        startedAt: now - 3 * DAY,
        detectedAt: now - 3 * DAY + HOUR,
      }),
    ),
  ];
  // Every version is kept, and two analyzers store the same ones.
  for (const at of [minute - 10 * MINUTE, minute - 9 * MINUTE, minute - 9 * MINUTE]) {
    await saveIncidents(client, at, incidents);
  }
  await saveIncidents(
    client,
    minute - 8 * MINUTE,
    incidents
      .filter(({ service }) => service === 'search')
      .map((incident) => ({ ...incident, state: 'resolved' as const, resolvedAt: minute - 8 * MINUTE })),
  );
  await saveAnalyzedUntil(client, minute - 20 * MINUTE);
  for (const { id } of incidents) {
    await saveVerdict(client, {
      incident: id,
      action: 'accept',
      who: 'ada',
      why: 'A new partner',
      at: minute,
    });
  }
}

async function write(clickHouse: ClickHouse, spans: readonly DecisionSpan[], now: number): Promise<void> {
  const writer = createWriter({ client: clickHouse.writing, now: () => now });
  await writer.write(spans);
  await writer.close();
}

export function publisherAt({ publishing, dialect }: ClickHouse, now: number) {
  return createPublisher({
    client: publishing,
    dialect,
    now: () => now,
    republishMillis: 0,
    readerGraceMillis: 0,
  });
}

/** Some minutes of traffic; the version changes in the middle. */
function trafficAt(
  time: number,
  serial: number,
  strangers: readonly string[],
  more: readonly Partial<DecisionSpan>[] = [],
): DecisionSpan[] {
  const given: Partial<DecisionSpan>[] = [
    { decisions: 40, total: 40 },
    { decisions: 10, total: 60, verdict: 'unknown', reason: 'credentials_mode_unknown' },
    { kind: 'preflight', decisions: 9, method: 'PUT', requestHeaders: 'authorization,content-type' },
    { kind: 'preflight', decisions: 3, method: 'PUT', maxAge: 600, requestHeaders: 'content-type' },
    { origin: '(other)', decisions: 2 },
    { ...blocked, decisions: 3 },
    { ...blocked, origin: 'https://new.example', decisions: 5 },
    {
      ...blocked,
      kind: 'preflight',
      origin: 'https://new.example',
      reason: 'header_not_allowed',
      detail: 'traceparent',
      method: 'PATCH',
      requestHeaders: 'traceparent',
      statusCode: 204,
      decisions: 4,
    },
    { service: 'search', instance: 'search-1', apiHost: 'search.example', decisions: 30, total: 30 },
    { service: 'search', instance: 'search-1', apiHost: 'search.example', source: 'estimated', decisions: 7 },
    { service: 'edge', instance: '', apiHost: 'search.example', observer: 'gateway', decisions: 30 },
    ...more,
    ...strangers.flatMap((name): Partial<DecisionSpan>[] => {
      const named = { origin: name, service: name, environment: name, route: name, detail: name };
      const asked = { method: name, requestHeaders: name, decisions: 2 };
      return [
        { origin: name, decisions: 6 },
        { ...named, decisions: 3, total: 3 },
        { ...blocked, ...named, ...asked, path: name },
        { ...blocked, ...named, ...asked, kind: 'preflight' },
      ];
    }),
  ];
  return [0, 2].flatMap((minutes, later) =>
    given.map((each, index) =>
      decisionSpan({
        ...each,
        time: time + minutes * MINUTE,
        spanId: (serial + later * given.length + index + 1).toString(16).padStart(16, '0'),
        version: later === 0 ? '1.0.0' : `1.1.${serial}`,
        decisions: (each.decisions ?? 1) * (each.verdict === 'blocked' && later === 1 ? 3 : 1),
        total: (each.total ?? 0) * (serial + later + 1),
      }),
    ),
  );
}

/** A slot that nobody published, one that could not be, and late spans of one whose raw rows are gone. */
async function makeTrouble(clickHouse: ClickHouse, slot: number, now: number): Promise<DecisionSpan[]> {
  const unpublished = decisionSpan({ time: slot - 5 * HOUR, spanId: 'a000000000000001' });
  await write(clickHouse, [unpublished], now);
  const at = (time: number): string => `toDateTime(${time / 1000}, 'UTC')`;
  const recent = slot - SLOT_MILLIS;
  for (const query of [
    `INSERT INTO publication_failures VALUES (${at(slot - 5 * HOUR)}, now64(6), 'Memory limit exceeded')`,
    `INSERT INTO sealed_slots VALUES (${at(recent)}, 2)`,
    // A write that no run has recorded: the slot is behind, and being sealed it stays so.
    `INSERT INTO slot_writes VALUES (${at(recent)}, 99, 1)`,
  ]) {
    await clickHouse.writing.command({ query });
  }
  return [unpublished];
}

import type { ClickHouseClient } from '@clickhouse/client';
import type { Incident } from './incident.ts';
import { documentOf, type IncidentDocument } from './incident-document.ts';
import type { IncidentVerdict } from './incident-verdict.ts';

const ANALYZER = 'analyzer';
const MOST_LISTED = 1_000;

/** Stores versions of incidents as they were at the end of a minute. Storing the same again changes nothing. */
export async function saveIncidents(
  client: ClickHouseClient,
  at: number,
  incidents: readonly Incident[],
): Promise<void> {
  if (incidents.length === 0) return;
  await client.insert({
    table: 'incidents',
    format: 'JSONEachRow',
    values: incidents.map((incident) => ({
      id: incident.id,
      at: at / 1000,
      service: incident.service,
      environment: incident.environment,
      subject_kind: incident.subject.kind,
      subject_value: incident.subject.value,
      class: incident.class,
      severity: incident.severity,
      page: incident.page,
      state: incident.state,
      started_at: decimal(incident.startedAt),
      detected_at: decimal(incident.detectedAt),
      resolved_at: incident.resolvedAt === undefined ? null : decimal(incident.resolvedAt),
      decisions: incident.decisions,
      document: JSON.stringify(documentOf(incident)),
    })),
  });
  await client.insert({
    table: 'signals',
    format: 'JSONEachRow',
    values: incidents.flatMap(({ id, signals }) =>
      signals.map(({ subject, since, at: raisedAt, ...signal }) => ({
        incident: id,
        ...signal,
        subject_kind: subject.kind,
        subject_value: subject.value,
        since: decimal(since),
        at: decimal(raisedAt),
      })),
    ),
  });
}

/** Seconds as a DateTime64 column takes them in JSON. */
function decimal(millis: number): string {
  return (millis / 1000).toFixed(3);
}

/** The last minute that was analyzed, epoch milliseconds; undefined before the first. */
export async function readAnalyzedUntil(client: ClickHouseClient): Promise<number | undefined> {
  const result = await client.query({
    query: `SELECT toUnixTimestamp(max(minute)) AS minute FROM analyzed_minutes WHERE name = {name:String}`,
    query_params: { name: ANALYZER },
    format: 'JSONEachRow',
  });
  const [found] = await result.json<{ minute: number }>();
  return found === undefined || found.minute === 0 ? undefined : found.minute * 1000;
}

export async function saveAnalyzedUntil(client: ClickHouseClient, minute: number): Promise<void> {
  await client.insert({
    table: 'analyzed_minutes',
    format: 'JSONEachRow',
    values: [{ name: ANALYZER, minute: minute / 1000 }],
  });
}

/** The newest version of each incident that was detected since a time, the newest incident first. */
export async function readIncidents(client: ClickHouseClient, since: number): Promise<IncidentDocument[]> {
  const result = await client.query({
    query: `SELECT argMax(document, at) AS document FROM incidents FINAL
      WHERE detected_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
      GROUP BY id ORDER BY max(detected_at) DESC, id LIMIT ${MOST_LISTED}`,
    query_params: { since },
    format: 'JSONEachRow',
  });
  return (await result.json<{ document: string }>()).map(
    ({ document }) => JSON.parse(document) as IncidentDocument,
  );
}

/** By its id or the beginning of it, if only one incident's id begins so. */
export async function readIncident(
  client: ClickHouseClient,
  id: string,
): Promise<IncidentDocument | undefined> {
  const result = await client.query({
    query: `SELECT argMax(document, at) AS document FROM incidents FINAL
      WHERE startsWith(id, {id:String}) GROUP BY id LIMIT 2`,
    query_params: { id },
    format: 'JSONEachRow',
  });
  const [found, other] = await result.json<{ document: string }>();
  return found === undefined || other !== undefined
    ? undefined
    : (JSON.parse(found.document) as IncidentDocument);
}

export async function saveVerdict(client: ClickHouseClient, verdict: IncidentVerdict): Promise<void> {
  const { incident, action, who, why, at } = verdict;
  await client.insert({
    table: 'incident_verdicts',
    format: 'JSONEachRow',
    values: [{ incident, action, who, why, at: decimal(at) }],
  });
}

/** In the order in which they were given. */
export async function readVerdicts(
  client: ClickHouseClient,
  since: number,
  until: number,
): Promise<IncidentVerdict[]> {
  const result = await client.query({
    query: `SELECT incident, action, who, why, toUnixTimestamp64Milli(verdicts.at) AS at FROM incident_verdicts AS verdicts FINAL
      WHERE verdicts.at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') AND verdicts.at < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
      ORDER BY verdicts.at, incident`,
    query_params: { since, until },
    format: 'JSONEachRow',
  });
  return result.json<IncidentVerdict>();
}

import type { Dashboard, DashboardLink, QueryVariable, TableColumn } from './definition.ts';
import { CLASS, INCIDENT_ID, IS_OPEN, incidentMarks, incidents } from './incident-text.ts';
import { COUNTED_ONCE, FROM, hashOf, selected, TO, usage } from './query-text.ts';
import { reasonTitle } from './reason-text.ts';
import {
  blockedByReason,
  decisionsByVerdict,
  deployments,
  ENVIRONMENT,
  SERVICE_ID,
  SERVICES,
  TO_SERVICE,
  UIDS,
} from './shared.ts';

const HERE = `${selected('environment')} AND ${selected('service')}`;
const INCIDENTS = incidents(`${HERE} AND ${selected('class')}`);
const ONE = incidents(selected('id', 'incident'));

/** The services and environments of all incidents, also of those without decisions in the range. */
const namesOfIncidents = (column: string, where: string): string =>
  `SELECT ${hashOf(column)} AS value, if(${column} = '', '(none)', toString(${column})) AS text
    FROM ${incidents(where)} GROUP BY ${column} ORDER BY count() DESC, text LIMIT 1000`;

const CLASS_VARIABLE: QueryVariable = {
  kind: 'query',
  name: 'class',
  label: 'Class',
  description: 'What the analyzer takes an incident for',
  sql: `SELECT ${hashOf('class')} AS value, ${CLASS} AS text
    FROM ${incidents(HERE)} GROUP BY class ORDER BY text`,
  multi: true,
};

const INCIDENT_VARIABLE: QueryVariable = {
  kind: 'query',
  name: 'incident',
  label: 'Incident',
  description: 'The one whose evidence is shown; the newest first',
  sql: `SELECT ${INCIDENT_ID} AS value,
      concat(formatDateTime(detected_at, '%Y-%m-%d %H:%i'), ' ', ${CLASS}, ': ', service, ', ', subject_kind, ' ', subject_value) AS text
    FROM ${INCIDENTS} ORDER BY detected_at DESC, id LIMIT 1000`,
  multi: false,
};

const TO_EVIDENCE: DashboardLink = {
  title: 'Show the evidence',
  uid: UIDS.incidents,
  set: { incident: 'incident_id' },
  keep: ['environment', 'service', 'class'],
};
const TO_REQUESTS: DashboardLink = {
  title: 'Blocked requests of this service',
  uid: UIDS.blockedRequests,
  set: { service: 'service_id' },
  keep: ['environment'],
};

const WHAT: readonly TableColumn[] = [
  { name: 'severity', title: 'Severity', unit: 'text', width: 80 },
  { name: 'class_name', title: 'Class', unit: 'text', width: 140, link: TO_EVIDENCE },
  { name: 'service', title: 'Service', unit: 'text', width: 130, link: TO_SERVICE },
  { name: 'subject', title: 'Subject', unit: 'text', width: 220 },
  { name: 'decisions', title: 'Decisions', unit: 'count', width: 100, link: TO_REQUESTS },
];
const WHAT_SQL = `severity, ${CLASS} AS class_name, service, concat(subject_kind, ' ', subject_value) AS subject,
      incidents.decisions AS decisions`;
const ofDocument = (...keys: string[]): string =>
  `JSONExtractString(document, ${keys.map((key) => `'${key}'`).join(', ')})`;

/** Attributes of the affected decisions, as the incident's document names them. */
const AFFECTED: readonly (readonly [key: string, title: string, value: string])[] = [
  ['origins', 'origin', 'one.1'],
  ['routes', 'route', 'one.1'],
  ['reasons', 'reason', reasonTitle('one.1')],
  ['requestedHeaders', 'requested headers', 'one.1'],
  ['versions', 'version', 'one.1'],
];

export const INCIDENTS_DASHBOARD: Dashboard = {
  uid: UIDS.incidents,
  title: 'Originscope: incidents',
  question: 'Which incidents are open, which were there, and what speaks for and against each of them?',
  since: '7d',
  variables: [
    { ...ENVIRONMENT, sql: namesOfIncidents('environment', '1') },
    { ...SERVICES, sql: namesOfIncidents('service', selected('environment')) },
    CLASS_VARIABLE,
    INCIDENT_VARIABLE,
  ],
  annotations: [incidentMarks(`${HERE} AND ${selected('class')}`), deployments(HERE)],
  rows: [
    {
      panels: [
        {
          kind: 'stat',
          id: 1,
          title: 'Open incidents',
          description: 'At the end of the range.',
          width: 5,
          height: 4,
          unit: 'count',
          thresholds: { warning: 1, critical: 5 },
          sql: `SELECT countIf(${IS_OPEN}) AS open_incidents FROM ${INCIDENTS}`,
        },
        {
          kind: 'stat',
          id: 2,
          title: 'Open incidents that page',
          description: 'Those that wake a person; all others are tickets.',
          width: 5,
          height: 4,
          unit: 'count',
          thresholds: { warning: 1, critical: 1 },
          sql: `SELECT countIf(page AND ${IS_OPEN}) AS open_pages FROM ${INCIDENTS}`,
        },
        {
          kind: 'stat',
          id: 3,
          title: 'Detected',
          description: 'Incidents that were detected in the range.',
          width: 5,
          height: 4,
          unit: 'count',
          sql: `SELECT countIf(detected_at >= ${FROM}) AS detected FROM ${INCIDENTS}`,
        },
        {
          kind: 'stat',
          id: 4,
          title: 'Time to detection',
          description:
            'From the start of the change until the analyzer saw it: the median of these incidents.',
          width: 5,
          height: 4,
          unit: 'seconds',
          sql: `SELECT quantileExactOrNull(0.5)(dateDiff('second', started_at, detected_at)) AS delay FROM ${INCIDENTS}`,
        },
        {
          kind: 'stat',
          id: 5,
          title: 'Last analyzed minute',
          description:
            'How long before the end of the range the last analyzed minute ended. When it grows, the analyzer does not run, or cannot read: nothing is detected.',
          width: 4,
          height: 4,
          unit: 'seconds',
          thresholds: { warning: 300, critical: 600 },
          sql: `SELECT greatest(0, ${TO} - max(minute) - 60) AS age FROM analyzed_minutes HAVING count() > 0`,
        },
      ],
    },
    {
      panels: [
        decisionsByVerdict(
          6,
          usage({ where: `${HERE} AND ${COUNTED_ONCE}`, of: ['verdict'] }),
          ' Red ranges are incidents, blue marks are deployments.',
        ),
        blockedByReason(7, usage({ where: `${HERE} AND ${COUNTED_ONCE}`, of: ['reason'], blocked: true })),
        {
          kind: 'table',
          id: 8,
          title: 'Open incidents',
          description:
            'At the end of the range; the most severe first. Decisions: those that are affected since the start. The class leads to the evidence below.',
          width: 24,
          height: 8,
          columns: [
            { name: 'started_at', title: 'Since', unit: 'time', width: 170 },
            ...WHAT,
            { name: 'cause', title: 'Probable cause', unit: 'text' },
            { name: 'change', title: 'What to change', unit: 'text' },
          ],
          sql: `SELECT started_at, ${WHAT_SQL}, ${ofDocument('cause')} AS cause, ${ofDocument('change')} AS change,
      ${INCIDENT_ID} AS incident_id, ${SERVICE_ID}
    FROM ${INCIDENTS} WHERE ${IS_OPEN}
    ORDER BY indexOf(['critical', 'warning', 'info'], severity), started_at DESC, id LIMIT 200`,
        },
        {
          kind: 'table',
          id: 9,
          title: 'Past incidents',
          description: 'Incidents of the range that have ended; the newest first.',
          width: 24,
          height: 8,
          columns: [
            { name: 'started_at', title: 'Started', unit: 'time', width: 170 },
            { name: 'resolved_at', title: 'Ended', unit: 'time', width: 170 },
            ...WHAT,
            { name: 'cause', title: 'Probable cause', unit: 'text' },
            { name: 'said', title: 'Verdict of a person', unit: 'text', width: 170 },
          ],
          sql: `SELECT started_at, resolved_at, ${WHAT_SQL}, ${ofDocument('cause')} AS cause, verdicts.action AS said,
      ${INCIDENT_ID} AS incident_id, ${SERVICE_ID}
    FROM ${INCIDENTS}
    LEFT JOIN (
      SELECT incident, argMax(action, at) AS action FROM incident_verdicts GROUP BY incident) AS verdicts ON verdicts.incident = id
    WHERE NOT ${IS_OPEN} ORDER BY started_at DESC, id LIMIT 200`,
        },
      ],
    },
    {
      title: 'Evidence of the selected incident',
      panels: [
        {
          kind: 'table',
          id: 10,
          title: 'For and against',
          description: 'What speaks for the class of the incident, and what against it.',
          width: 12,
          height: 9,
          columns: [
            { name: 'speaks', title: 'Speaks', unit: 'text', width: 90 },
            { name: 'sentence', title: 'Evidence', unit: 'text' },
          ],
          sql: `SELECT entry.1 AS speaks, entry.2 AS sentence
    FROM ${ONE}
    ARRAY JOIN arrayConcat(
      arrayMap(sentence -> ('for', sentence), JSONExtract(document, 'evidence', 'for', 'Array(String)')),
      arrayMap(sentence -> ('against', sentence), JSONExtract(document, 'evidence', 'against', 'Array(String)'))) AS entry`,
        },
        {
          kind: 'table',
          id: 11,
          title: 'Affected decisions',
          description:
            'Values among the affected decisions, and their share in the baseline: a share far above it points at the cause.',
          width: 12,
          height: 9,
          columns: [
            { name: 'attribute', title: 'Attribute', unit: 'text', width: 140 },
            { name: 'value', title: 'Value', unit: 'text' },
            { name: 'affected', title: 'Decisions', unit: 'count', width: 100 },
            { name: 'share', title: 'Of the affected', unit: 'ratio', width: 130, bar: true },
            { name: 'baseline', title: 'Of the baseline', unit: 'ratio', width: 130, bar: true },
          ],
          sql: `SELECT entry.1 AS attribute, entry.2 AS value, entry.3 AS affected, entry.4 AS share, entry.5 AS baseline
    FROM ${ONE}
    ARRAY JOIN arrayConcat(${AFFECTED.map(
      ([key, title, value]) =>
        `arrayMap(one -> ('${title}', ${value}, one.2, one.3, one.4), JSONExtract(document, 'affected', '${key}', 'Array(Tuple(value String, decisions UInt64, share Float64, baselineShare Float64))'))`,
    ).join(',\n      ')}) AS entry`,
        },
        {
          kind: 'table',
          id: 12,
          title: 'Signals',
          description: 'Statements of the detectors that make up the incident, the earliest first.',
          width: 24,
          height: 8,
          columns: [
            { name: 'raised_at', title: 'Raised', unit: 'time', width: 170 },
            { name: 'since', title: 'Change since', unit: 'time', width: 170 },
            { name: 'detector', title: 'Detector', unit: 'text', width: 170 },
            { name: 'subject', title: 'Subject', unit: 'text', width: 220 },
            { name: 'observed', title: 'Observed', unit: 'factor', width: 100 },
            { name: 'expected', title: 'Expected', unit: 'factor', width: 100 },
            { name: 'unit', title: 'Unit', unit: 'text', width: 170 },
            { name: 'sentence', title: 'Statement', unit: 'text' },
          ],
          sql: `SELECT signals.at AS raised_at, since, detector, concat(subject_kind, ' ', subject_value) AS subject, observed, expected,
      unit, sentence
    FROM signals FINAL WHERE ${selected('incident')} ORDER BY raised_at, detector, subject LIMIT 200`,
        },
        {
          kind: 'table',
          id: 13,
          title: 'Verdicts of people',
          description:
            'Who accepted the incident as the new normal or dismissed it as a false alarm, and why.',
          width: 24,
          height: 5,
          columns: [
            { name: 'given_at', title: 'Time', unit: 'time', width: 170 },
            { name: 'action', title: 'Verdict', unit: 'text', width: 120 },
            { name: 'who', title: 'Who', unit: 'text', width: 200 },
            { name: 'why', title: 'Why', unit: 'text' },
          ],
          sql: `SELECT verdicts.at AS given_at, action, who, why FROM incident_verdicts AS verdicts FINAL
    WHERE ${selected('incident')} ORDER BY given_at, action LIMIT 200`,
        },
      ],
    },
  ],
};

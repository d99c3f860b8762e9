import type { ClickHouseClient } from '@clickhouse/client';
import { backtest } from '../analyzer/backtest.ts';
import { documentOf, type IncidentDocument } from '../analyzer/incidents/incident-document.ts';
import { readIncident, readIncidents, saveVerdict } from '../analyzer/incidents/incident-store.ts';
import type { IncidentVerdict } from '../analyzer/incidents/incident-verdict.ts';
import type { ClickHouse } from '../clickhouse/connection.ts';
import type { Control } from '../clickhouse/data-directory.ts';
import type { Verification } from '../collector/verify/verification.ts';
import { verify } from '../collector/verify/verify.ts';
import { OriginscopeError } from '../core/errors.ts';
import { type Report, report } from '../reports/report.ts';
import type { WindowOptions } from '../reports/report-queries.ts';
import { askControl, type OnProgress, type Question } from '../server/control.ts';

type Place = Pick<ClickHouse, 'reading' | 'writing'>;

const TIME = { type: 'integer' } as const;
const TEXT = { type: 'string', maxLength: 256 } as const;

const parameters = (properties: object, required: readonly string[]) => ({
  type: 'object',
  required,
  additionalProperties: false,
  properties,
});

export interface Period {
  /** Epoch milliseconds; until is exclusive. */
  readonly since: number;
  readonly until: number;
}

/** A person's word on the incident whose id begins so. */
export interface Judgement extends Omit<IncidentVerdict, 'incident'> {
  readonly id: string;
}

/** The questions that `originscope up` answers for other commands on the same data directory. */
export function questionsAbout({ reading, writing }: Place) {
  return {
    report: {
      parameters: parameters(
        { since: TIME, until: TIME, service: TEXT, limit: { type: 'integer', minimum: 1, maximum: 10_000 } },
        ['since', 'until'],
      ),
      answer: (window) => report(reading, window),
    } satisfies Question<WindowOptions>,
    verify: {
      parameters: parameters({}, []),
      answer: (_, onProgress, signal) => verify(reading, { now: Date.now(), signal, onProgress }),
    } satisfies Question<unknown>,
    backtest: {
      parameters: parameters({ since: TIME, until: TIME }, ['since', 'until']),
      answer: (period, onProgress) => backtestDocuments(reading, { ...period, onProgress }),
    } satisfies Question<Period>,
    incidents: {
      parameters: parameters({ since: TIME }, ['since']),
      answer: ({ since }) => readIncidents(reading, since),
    } satisfies Question<Pick<Period, 'since'>>,
    incident: {
      parameters: parameters({ id: TEXT }, ['id']),
      answer: ({ id }) => readIncident(reading, id),
    } satisfies Question<{ readonly id: string }>,
    judge: {
      parameters: parameters(
        {
          id: TEXT,
          action: { enum: ['accept', 'dismiss'] },
          who: TEXT,
          why: { type: 'string', maxLength: 4_096 },
          at: TIME,
        },
        ['id', 'action', 'who', 'why', 'at'],
      ),
      answer: (judgement) => judge({ reading, writing }, judgement),
    } satisfies Question<Judgement>,
  };
}

export async function backtestDocuments(
  reading: ClickHouseClient,
  { since, until, onProgress }: Period & { readonly onProgress: OnProgress },
): Promise<readonly IncidentDocument[]> {
  const found = await backtest(reading, {
    since,
    until,
    onProgress: (fraction, minute) => onProgress(fraction, new Date(minute).toISOString().slice(0, 16)),
  });
  return found.map(documentOf);
}

/**
 * @param id of the incident, or the beginning of it
 * @throws OriginscopeError `INCIDENT_UNKNOWN`
 */
export async function requireIncident(reading: ClickHouseClient, id: string): Promise<IncidentDocument> {
  return known(await readIncident(reading, id), id);
}

/** @returns the id of the incident; undefined when there is no such incident */
async function judge({ reading, writing }: Place, { id, ...said }: Judgement): Promise<string | undefined> {
  const incident = (await readIncident(reading, id))?.id;
  if (incident !== undefined) await saveVerdict(writing, { ...said, incident });
  return incident;
}

/**
 * @returns the id of the incident
 * @throws OriginscopeError `INCIDENT_UNKNOWN`
 */
export async function judgeIncident(place: Place, judgement: Judgement): Promise<string> {
  return known(await judge(place, judgement), judgement.id);
}

function known<Found>(found: Found | undefined | null, id: string): Found {
  if (found !== undefined && found !== null) return found;
  throw new OriginscopeError('INCIDENT_UNKNOWN', { id: JSON.stringify(id) });
}

/** @throws OriginscopeError `CONTROL_FAILED` */
export async function askForReport(
  control: Control,
  { since, until, service, limit }: WindowOptions,
): Promise<Report> {
  return (await askControl(control, 'report', { since, until, service, limit })) as Report;
}

/** @throws OriginscopeError `CONTROL_FAILED` */
export async function askToVerify(control: Control, onProgress: OnProgress): Promise<Verification> {
  return (await askControl(control, 'verify', {}, onProgress)) as Verification;
}

/** @throws OriginscopeError `CONTROL_FAILED` */
export async function askToBacktest(
  control: Control,
  { since, until }: Period,
  onProgress: OnProgress,
): Promise<readonly IncidentDocument[]> {
  return (await askControl(control, 'backtest', { since, until }, onProgress)) as IncidentDocument[];
}

/** @throws OriginscopeError `CONTROL_FAILED` */
export async function askForIncidents(control: Control, since: number): Promise<IncidentDocument[]> {
  return (await askControl(control, 'incidents', { since })) as IncidentDocument[];
}

/** @throws OriginscopeError `CONTROL_FAILED`, `INCIDENT_UNKNOWN` */
export async function askForIncident(control: Control, id: string): Promise<IncidentDocument> {
  return known((await askControl(control, 'incident', { id })) as IncidentDocument | undefined, id);
}

/** @throws OriginscopeError `CONTROL_FAILED`, `INCIDENT_UNKNOWN` */
export async function askToJudge(control: Control, judgement: Judgement): Promise<string> {
  const incident = (await askControl(control, 'judge', { ...judgement })) as string | null;
  return known(incident, judgement.id);
}

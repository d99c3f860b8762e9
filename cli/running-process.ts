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
import {
  type ImportFilesOptions,
  type ImportRules,
  type ImportSummary,
  importFiles,
} from './import-files.ts';

type Place = Pick<ClickHouse, 'reading' | 'writing'>;

/** Files to import, by their absolute paths. */
type FilesToImport = Pick<ImportFilesOptions, 'files' | 'skipMalformed'>;

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

/** A person's verdict on the incident whose id begins so. */
export interface GivenVerdict extends Omit<IncidentVerdict, 'incident'> {
  readonly id: string;
}

/** The questions that `originscope up` answers for other commands on the same data directory. */
export function questionsAbout(
  clickhouse: Pick<ClickHouse, 'reading' | 'writing' | 'publishing' | 'dialect'>,
  importRules: ImportRules,
) {
  const { reading, writing } = clickhouse;
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
    import: {
      parameters: parameters(
        {
          files: { type: 'array', minItems: 1, items: { type: 'string' } },
          skipMalformed: { type: 'boolean' },
        },
        ['files', 'skipMalformed'],
      ),
      answer: ({ files, skipMalformed }, onProgress, signal) =>
        importFiles({
          ...importRules,
          clickhouse,
          files,
          skipMalformed,
          isAlone: false,
          onProgress,
          signal,
        }),
    } satisfies Question<FilesToImport>,
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
    verdict: {
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
      answer: (given) => saveGiven({ reading, writing }, given),
    } satisfies Question<GivenVerdict>,
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
async function saveGiven(
  { reading, writing }: Place,
  { id, ...said }: GivenVerdict,
): Promise<string | undefined> {
  const incident = (await readIncident(reading, id))?.id;
  if (incident !== undefined) await saveVerdict(writing, { ...said, incident });
  return incident;
}

/**
 * @returns the id of the incident
 * @throws OriginscopeError `INCIDENT_UNKNOWN`
 */
export async function giveVerdict(place: Place, given: GivenVerdict): Promise<string> {
  return known(await saveGiven(place, given), given.id);
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

/** @throws OriginscopeError `CONTROL_FAILED`, and those of `importFiles` */
export async function askToImport(
  control: Control,
  files: FilesToImport,
  onProgress: OnProgress,
): Promise<ImportSummary> {
  return (await askControl(control, 'import', files, onProgress)) as ImportSummary;
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
export async function askToGiveVerdict(control: Control, given: GivenVerdict): Promise<string> {
  const incident = (await askControl(control, 'verdict', given)) as string | null;
  return known(incident, given.id);
}

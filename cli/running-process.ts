import type { ClickHouseClient } from '@clickhouse/client';
import type { Control } from '../clickhouse/data-directory.ts';
import type { Verification } from '../collector/verify/verification.ts';
import { verify } from '../collector/verify/verify.ts';
import { type Report, report } from '../reports/report.ts';
import type { WindowOptions } from '../reports/report-queries.ts';
import { askControl, type OnProgress, type Question } from '../server/control.ts';

/** The questions that `originscope up` answers for other commands on the same data directory. */
export function questionsAbout(reading: ClickHouseClient): {
  readonly report: Question<WindowOptions>;
  readonly verify: Question<unknown>;
} {
  return {
    report: {
      parameters: {
        type: 'object',
        required: ['since', 'until'],
        additionalProperties: false,
        properties: {
          since: { type: 'integer' },
          until: { type: 'integer' },
          service: { type: 'string', maxLength: 256 },
          limit: { type: 'integer', minimum: 1, maximum: 10_000 },
        },
      },
      answer: (window) => report(reading, window),
    },
    verify: {
      parameters: { type: 'object', additionalProperties: false },
      answer: (_, onProgress, signal) => verify(reading, { now: Date.now(), signal, onProgress }),
    },
  };
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

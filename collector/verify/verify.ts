import { setTimeout as delay } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { DERIVATION } from '../../clickhouse/decision-span.ts';
import type { Dialect } from '../../clickhouse/dialect.ts';
import { leftOutSlots, leftOutText, stuckSlots, stuckText } from '../../reports/publication-state.ts';
import { openVerified } from './database.ts';
import { Findings, type Verification } from './verification.ts';
import { verifyHours } from './verify-hours.ts';
import { verifyRows } from './verify-rows.ts';
import { verifySlots } from './verify-slots.ts';

export interface VerifyOptions {
  /** Epoch milliseconds. */
  readonly now: number;
  /** `ClickHouse.dialect`; default: a single server. */
  readonly dialect?: Dialect | undefined;
  /** The version of the newest rule set; default: that of this version. */
  readonly derivation?: number;
  /** The maximum of findings per check, in addition to the number of further ones. Default 20. */
  readonly mostFindings?: number;
  /** Aborts between two statements. */
  readonly signal?: AbortSignal;
  /** @param fraction 0 to 1 */
  readonly onProgress?: (fraction: number, doing: string) => void;
  /** Waits before differences are checked again, for publications and replicas. Default: two seconds. */
  readonly pause?: () => Promise<void>;
}

/**
 * Checks the invariants of a database. It only reads, range by range, and collectors may continue writing
 * and publishing: differences are checked again before they become findings.
 *
 * @param reading `ClickHouse.reading`
 * @throws the reason of the signal; errors of the engine that are not about a part of the data
 */
export async function verify(
  reading: Pick<ClickHouseClient, 'query'>,
  options: VerifyOptions,
): Promise<Verification> {
  const { now, derivation = DERIVATION, signal, onProgress = () => undefined } = options;
  const pause = options.pause ?? (() => delay(2_000, undefined, { ...(signal !== undefined && { signal }) }));
  const database = await openVerified(reading, {
    now,
    ...(options.dialect !== undefined && { dialect: options.dialect }),
    ...(signal !== undefined && { signal }),
  });
  const findings = new Findings(options.mostFindings ?? 20);
  const step = (index: number, doing: string) => ({
    now,
    pause,
    onProgress: (fraction: number) => onProgress((index + fraction) / 3, doing),
  });
  const broken = await verifySlots(database, findings, step(0, 'comparing slots'));
  await verifyHours(database, findings, broken, step(1, 'comparing hours'));
  await verifyRows(database, findings, { derivation, ...step(2, 'checking rows') });
  await reportPublicationState(reading, findings);
  return findings.result();
}

async function reportPublicationState(
  reading: Pick<ClickHouseClient, 'query'>,
  findings: Findings,
): Promise<void> {
  for (const slot of (await stuckSlots(reading)).slice(0, 20)) findings.inform('stuck', stuckText(slot));
  const leftOut = await leftOutSlots(reading);
  if (leftOut.length > 0) findings.inform('left_out', leftOutText(leftOut));
}

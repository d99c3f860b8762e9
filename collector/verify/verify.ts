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
  /** `ClickHouse.dialect`; default: of one server. */
  readonly dialect?: Dialect | undefined;
  /** The newest rule set there is; default: of this version. */
  readonly derivation?: number;
  /** How many findings of each check are told, beside the number of further ones. Default 20. */
  readonly mostFindings?: number;
  /** Ends it between two statements. */
  readonly signal?: AbortSignal;
  /** @param fraction 0 to 1 */
  readonly onProgress?: (fraction: number, doing: string) => void;
  /** Waits before what differs is looked at again: for a publication, and for replicas. Default: two seconds. */
  readonly pause?: () => Promise<void>;
}

/**
 * Checks that a database holds what it promises. It only reads, part by part, and collectors may go on writing and
 * publishing: what differs is looked at again before it is called a finding.
 *
 * @param reading `ClickHouse.reading`
 * @throws the signal's reason; errors of the engine that are not about a part of the data
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
  await verifyRows(database, findings, { derivation, ...step(2, 'looking at rows') });
  await informOfPublication(reading, findings);
  return findings.result();
}

async function informOfPublication(
  reading: Pick<ClickHouseClient, 'query'>,
  findings: Findings,
): Promise<void> {
  for (const slot of (await stuckSlots(reading)).slice(0, 20)) findings.inform('stuck', stuckText(slot));
  const leftOut = await leftOutSlots(reading);
  if (leftOut.length > 0) findings.inform('left_out', leftOutText(leftOut));
}

import type { ClickHouseClient } from '@clickhouse/client';
import type { Information } from '../../collector/verify/verification.ts';
import { verify } from '../../collector/verify/verify.ts';

/** Absent once every request was answered and everything was published. */
const IN_PROGRESS: readonly Information['name'][] = ['stuck', 'left_out', 'unended_inserts', 'changing'];

/**
 * The sentences of `originscope verify` for a database with no work in progress; empty when it is
 * consistent.
 *
 * @param now epoch milliseconds
 */
export async function findingsOf(reading: ClickHouseClient, now: number): Promise<string[]> {
  const { checks, information } = await verify(reading, { now });
  return [
    ...checks.flatMap(({ findings }) => findings),
    ...information.filter(({ name }) => IN_PROGRESS.includes(name)),
  ].map(({ sentence }) => sentence);
}

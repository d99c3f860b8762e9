import type { ClickHouseClient } from '@clickhouse/client';
import type { Information } from '../../collector/verify/verification.ts';
import { verify } from '../../collector/verify/verify.ts';

/** Nothing of it is left when every sender was answered and everything was published. */
const NOT_AT_REST: readonly Information['name'][] = ['stuck', 'left_out', 'unended_inserts', 'changing'];

/**
 * What `originscope verify` says of a database in which everything has come to rest, in sentences; empty when it is
 * as it should be.
 *
 * @param now epoch milliseconds
 */
export async function findingsOf(reading: ClickHouseClient, now: number): Promise<string[]> {
  const { checks, information } = await verify(reading, { now });
  return [
    ...checks.flatMap(({ findings }) => findings),
    ...information.filter(({ name }) => NOT_AT_REST.includes(name)),
  ].map(({ sentence }) => sentence);
}

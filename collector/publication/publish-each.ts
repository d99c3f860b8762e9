import { isEngineError } from '../../clickhouse/engine-errors.ts';
import { seconds } from '../../core/slots.ts';
import { printableMessage } from '../../core/text.ts';
import { type Publication, type PublishOptions, publishSlots, type SpanSource } from './publish-slots.ts';

export interface EachPublished {
  /** Starts of slots, epoch milliseconds. */
  readonly marked: readonly number[];
  /** Slots that an immediate retry would not publish either, with the reason. */
  readonly failed: ReadonlyMap<number, string>;
}

/**
 * Fallbacks for a slot that cannot be published with others or in one statement: by minute, then in more
 * pieces.
 */
const NARROWER: readonly PublishOptions[] = [{}, { piecesOfMinute: 1 }, { piecesOfMinute: 16 }];

/**
 * Publishes slots of one day so that a slot that cannot be published (too large for the memory limit, a
 * damaged part) does not block others: together, then one by one, then in smaller statements.
 *
 * @throws errors that are not about these slots: the engine is unreachable, the schema is missing
 */
export async function publishEach(
  publication: Publication,
  source: SpanSource,
  slots: readonly number[],
): Promise<EachPublished> {
  const marked: number[] = [];
  const failed = new Map<number, string>();

  async function attempt(some: readonly number[], options: PublishOptions): Promise<void> {
    const done = await publishSlots(publication, source, some, options);
    marked.push(...done.marked);
    for (const slot of done.shrunk) failed.set(slot, SHRUNK);
  }

  async function attemptOne(slot: number): Promise<void> {
    let reason = '';
    for (const options of NARROWER) {
      try {
        return await attempt([slot], options);
      } catch (error) {
        if (!isEngineError(error)) throw error;
        reason = printableMessage(error);
      }
    }
    failed.set(slot, reason);
  }

  try {
    await attempt(slots, {});
  } catch (error) {
    if (!isEngineError(error)) throw error;
    for (const slot of slots) await attemptOne(slot);
  }
  await recordFailures(publication, failed);
  return { marked, failed };
}

const SHRUNK = 'fewer of its raw spans are left than were published';

/** Groups a backlog by hour: fewer runs, bounded memory. */
export function byHour(slots: readonly number[]): number[][] {
  return [...Map.groupBy(slots, (slot) => Math.floor(slot / 3_600_000)).values()];
}

/** Stored in the database, so that reports of other processes show it. */
async function recordFailures({ client }: Publication, failed: ReadonlyMap<number, string>): Promise<void> {
  if (failed.size === 0) return;
  await client.command({
    query: `INSERT INTO publication_failures SELECT toDateTime(failure.1, 'UTC'), now64(6, 'UTC'), failure.2
      FROM (SELECT arrayJoin(arrayZip({slots:Array(UInt32)}, {reasons:Array(String)})) AS failure)`,
    query_params: { slots: [...failed.keys()].map(seconds), reasons: [...failed.values()] },
  });
}

import { expect, test } from 'vitest';
import { createWriter } from '../collector/ingest/writer.ts';
import { beginImport } from '../collector/publication/import.ts';
import { createPublisher } from '../collector/publication/publisher.ts';
import { verify } from '../collector/verify/verify.ts';
import { codeOf } from '../core/errors.ts';
import { report } from '../reports/report.ts';
import { rows } from '../test/support/clickhouse.ts';
import {
  CLUSTER,
  openRehearsal,
  type Rehearsal,
  UNREACHABLE,
  withoutKeeper,
} from '../test/support/clickhouse-cluster.ts';
import { blocked, decisionSpan, decisionSpans } from '../test/support/decision-spans.ts';
import { HOUR, MINUTE, START } from '../test/support/pipeline.ts';
import { clusterDialect } from './cluster.ts';
import type { DecisionSpan } from './decision-span.ts';
import type { Dialect } from './dialect.ts';
import { readDisks } from './disks.ts';
import { allSteps, migrate, planMigration, requireSchema } from './migrations.ts';
import { requireCluster } from './require-cluster.ts';
import { applyRetention, RETENTION } from './retention.ts';
import { SCHEMA } from './schema.ts';

const SPANS: readonly DecisionSpan[] = decisionSpans(20, (index) => ({
  time: START + (index % 10) * MINUTE,
  decisions: 5,
  ...(index < 12 ? {} : blocked),
}));
const TRUTH = { minutes: 100, hours: 100, blocked: 40 };

/** Writer and publisher in a simulated cluster, with a clock that the test sets. */
async function pipeline() {
  const rehearsal = await openRehearsal();
  const { clickHouse } = rehearsal;
  let clock = START;
  const now = () => clock;
  return {
    rehearsal,
    writer: createWriter({ client: clickHouse.writing, now, lingerMillis: 0 }),
    publisher: createPublisher({
      client: clickHouse.publishing,
      dialect: clickHouse.dialect,
      now,
      republishMillis: 0,
      readerGraceMillis: 0,
    }),
    now,
    at: (millis: number) => {
      clock = START + millis;
    },
  };
}

async function totals({ clickHouse }: Rehearsal): Promise<unknown> {
  const [row] = await rows(
    clickHouse,
    `SELECT (SELECT sum(decisions) FROM origin_usage) AS minutes, (SELECT sum(decisions) FROM origin_usage_hourly) AS hours,
       (SELECT sum(decisions) FROM blocked_requests) AS blocked`,
  );
  return row;
}

/** Executes every kind of statement once. */
async function everything(): Promise<Rehearsal> {
  const { rehearsal, writer, publisher, at, now } = await pipeline();
  const { clickHouse } = rehearsal;
  await applyRetention(clickHouse.writing, { ...RETENTION, minutesDays: 40 }, clickHouse.dialect);
  await applyRetention(clickHouse.writing, RETENTION, clickHouse.dialect);
  await writer.write(SPANS);
  expect(await totals(rehearsal)).toEqual(TRUTH);

  at(65 * MINUTE);
  expect(await publisher.tick()).toEqual({ slots: [START], hours: [START] });
  expect(await totals(rehearsal)).toEqual(TRUTH);

  // The same again, one with a newer derivation, one late, and more origins than the cap.
  await writer.write(SPANS);
  await writer.write([
    ...SPANS.slice(19).map((span) => ({ ...span, derivation: 2, decisions: 0 })),
    decisionSpan({ time: START, spanId: 'ffffffffffffff01', decisions: 50, observer: 'gateway' }),
    ...decisionSpans(600, (index) => ({
      time: START,
      origin: `https://flood-${index}.example`,
      service: 'flood',
    })),
  ]);
  const later = { minutes: 745, hours: 745, blocked: 35 };
  expect(await publisher.tick()).toEqual({ slots: [START], hours: [START] });
  expect(await totals(rehearsal)).toEqual(later);
  const options = { now: now(), dialect: clickHouse.dialect, derivation: 2, pause: async () => {} };
  const { checks } = await verify(clickHouse.reading, options);
  expect(checks.flatMap(({ findings }) => findings)).toEqual([]);

  // Left behind by a crash long ago.
  await rehearsal.plain.command({
    query: `INSERT INTO usage_minutes (slot, run, minute, decisions) SELECT slot, run - 7200000000 * 1024, minute, decisions FROM usage_minutes`,
  });
  const importing = await beginImport({
    client: clickHouse.publishing,
    writer,
    publisher,
    now,
  });
  await importing.add(
    decisionSpans(10, (index) => ({ time: START - 72 * HOUR + index * MINUTE, ...blocked })),
  );
  expect((await importing.finish()).published).toEqual([START - 72 * HOUR]);
  const all = { minutes: 755, hours: 755, blocked: 45 };
  expect(await totals(rehearsal)).toEqual(all);

  expect(await readDisks(clickHouse.reading, clickHouse.dialect)).toEqual([
    expect.objectContaining({ name: expect.stringMatching(/^[^/]+\/default$/), low: expect.any(Boolean) }),
  ]);

  at(80 * HOUR);
  await publisher.tick();
  await publisher.clean();
  expect(
    await rows(
      clickHouse,
      `SELECT (SELECT count() FROM decision_spans) AS raw, (SELECT count() FROM staged_spans) AS staged,
         (SELECT count() FROM usage_minutes WHERE run < {hourAgo:UInt64}) AS superseded`,
      { hourAgo: BigInt(Date.now() - HOUR) * 1_000n * 1_024n },
    ),
  ).toEqual([{ raw: 0, staged: 0, superseded: 0 }]);
  expect(await totals(rehearsal)).toEqual(all);

  const page = await report(clickHouse.reading, { since: START - 80 * HOUR, until: START + 2 * HOUR });
  expect(page.services.map(({ decisions }) => decisions)).toEqual([600, 155]);
  return rehearsal;
}

test('all statements are valid in a cluster, with the same counts as on one server', async () => {
  const { heard, plain } = await everything();
  // A replicated table rejects a deletion by subquery.
  const deletes = heard.filter(({ query }) => query.startsWith('DELETE'));
  expect(deletes.map(({ query }) => query.includes('SELECT'))).toContain(false);
  expect(deletes.map(({ query }) => query.includes('SELECT'))).not.toContain(true);

  // The same with unreachable shards: a statement in which one shard would query all others is rejected
  // before any connection is attempted.
  const far = clusterDialect({ cluster: UNREACHABLE, database: 'far' });
  await plain.command({ query: 'CREATE DATABASE far' });
  await plain.command({ query: 'USE far' });
  for (const { statements } of allSteps(far)) {
    // Without statements that query the shards.
    const local = statements.filter((query) => !query.startsWith('INSERT INTO sealed_slots'));
    for (const query of local) await plain.command({ query: withoutKeeper(query) });
  }
  for (const ledger of ['slot_writes', 'published_slots', 'published_hours']) {
    await plain.command({ query: `INSERT INTO ${ledger} SELECT * FROM default.${ledger}` });
  }
  // An unpublished slot makes readers query the shards.
  await plain.command({ query: 'INSERT INTO slot_writes SELECT max(slot) + 600, 1, 1 FROM slot_writes' });
  const questions = new Map(
    heard.filter(({ query }) => /^(SELECT|INSERT) /.test(query)).map((said) => [said.query, said]),
  );
  const outcomes: Record<string, number> = {};
  for (const { query, query_params } of questions.values()) {
    const outcome = await plain
      .command({ query: query.replaceAll(`'${CLUSTER}'`, `'${UNREACHABLE}'`), query_params })
      .then(() => 'local', codeOf);
    outcomes[outcome ?? ''] = (outcomes[outcome ?? ''] ?? 0) + 1;
  }
  // ALL_CONNECTION_TRIES_FAILED, and its equivalent for clusterAllReplicas: it was about to query each
  // shard.
  expect(Object.keys(outcomes).toSorted()).toEqual(['279', '519', 'local']);
  expect(outcomes['279']).toBeGreaterThan(10);
});

test('an unavailable replica delays publication, and nothing is read before all replicas have it', async () => {
  const { rehearsal, writer, publisher, at } = await pipeline();
  const { heard } = rehearsal;
  await writer.write(SPANS);
  at(65 * MINUTE);
  rehearsal.replicaIsAway = true;
  await expect(publisher.tick()).rejects.toThrow('did not answer');
  expect(await totals(rehearsal)).toEqual(TRUTH);
  expect(heard.some(({ query }) => query.startsWith('INSERT INTO usage_minutes'))).toBe(false);

  rehearsal.replicaIsAway = false;
  const from = heard.length;
  expect(await publisher.tick()).toEqual({ slots: [START], hours: [START] });
  const said = heard.slice(from).flatMap(({ query }) => {
    const synced = /^SYSTEM SYNC REPLICA .*`default`\.(\w+)/.exec(query)?.[1];
    if (synced !== undefined) return [`sync ${synced}`];
    const into = /^INSERT INTO (\w+)/.exec(query)?.[1];
    return into === undefined ? [] : [`insert ${into}`];
  });
  expect(said).toEqual([
    'sync slot_writes',
    'sync decision_spans_local',
    'sync blocked_spans_local',
    'insert usage_minutes',
    'insert blocked_spans',
    'sync usage_minutes',
    'insert completeness_slots',
    'sync usage_minutes',
    'sync completeness_slots',
    'sync sealed_slots',
    'insert published_slots',
    'sync published_slots',
    'insert usage_hours',
    'sync usage_hours',
    'insert completeness_hours',
    'sync usage_hours',
    'sync completeness_hours',
    'insert published_hours',
  ]);
  expect(await totals(rehearsal)).toEqual(TRUTH);
});

test('a node that joined the cluster gets its tables, and nothing else changes', async () => {
  const { clickHouse } = await openRehearsal();
  expect(await planMigration(clickHouse.writing, clickHouse)).toEqual([]);
  const { dialect } = clickHouse;
  const joined: Dialect = {
    ...dialect,
    system: (table) => (table === 'one' ? 'numbers(2)' : dialect.system(table)),
  };
  const names = (await planMigration(clickHouse.writing, { dialect: joined })).map(({ name }) => name);
  expect(names).toEqual(['ledger', ...SCHEMA.map(({ name }) => name)]);
  await migrate(clickHouse.writing, { dialect: joined });
  await requireSchema(clickHouse.reading, clickHouse);
});

test('a cluster without --cluster is rejected, and an unknown or unsuitable one by name', async () => {
  const { clickHouse } = await openRehearsal();
  await expect(requireSchema(clickHouse.reading)).rejects.toMatchObject({
    code: 'SCHEMA_CHANGED',
    remedy: expect.stringContaining('--cluster'),
  });
  await requireCluster(clickHouse.reading, CLUSTER);
  await expect(requireCluster(clickHouse.reading, 'nowhere')).rejects.toMatchObject({
    code: 'CLUSTER_UNKNOWN',
    remedy: expect.stringContaining(CLUSTER),
  });
  await expect(requireCluster(clickHouse.reading, UNREACHABLE)).rejects.toMatchObject({
    code: 'CLUSTER_UNSUITABLE',
    message: expect.stringContaining('internal_replication'),
  });
});

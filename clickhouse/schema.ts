import {
  BLOCKED_DIMENSIONS,
  DIMENSION_NAMES,
  definitions,
  outermost,
  REQUEST_COLUMNS,
  SPAN_COLUMNS,
  SUM_DIMENSIONS,
  USAGE_DIMENSIONS,
  USAGE_NAMES,
  whereBlocked,
} from './columns.ts';
import type { Dialect } from './dialect.ts';
import { RUN_START } from './sql-text.ts';

/** One step of the schema. Its statements are idempotent. Never edited once released. */
export interface SchemaStep {
  readonly version: number;
  readonly name: string;
  statements(dialect: Dialect): string[];
}

/** Acknowledged rows survive a crash of the host. */
const DURABLE = 'fsync_after_insert = 1, fsync_part_directory = 1';

export const SCHEMA: readonly SchemaStep[] = [
  { version: 1, name: 'decision spans', statements: decisionSpans },
  { version: 2, name: 'published usage', statements: publishedUsage },
  { version: 3, name: 'views', statements: views },
  { version: 4, name: 'writes by number', statements: writesByNumber },
  { version: 5, name: 'views of whole hours', statements: viewsOfWholeHours },
  { version: 6, name: 'incidents', statements: incidents },
  { version: 7, name: 'sums of hours', statements: sumsOfHours },
];

function decisionSpans(dialect: Dialect): string[] {
  const { onCluster, onShards } = dialect;
  return [
    // Without a TTL: a day is dropped when all its slots are published, so that a process that was stopped
    // over a weekend still finds its unpublished slots.
    `CREATE TABLE IF NOT EXISTS ${onShards('decision_spans')} (${definitions(SPAN_COLUMNS)})
     ENGINE = ${dialect.replacingMergeTree('derivation', 'sharded')}
     PARTITION BY toDate(minute, 'UTC') ORDER BY (service, minute, span)
     SETTINGS ${DURABLE}`,
    ...dialect.distributedTable('decision_spans'),
    // The same identity as the span, so that a replacement of the span's row replaces this one, too.
    `CREATE TABLE IF NOT EXISTS ${onShards('blocked_spans')} (${definitions([...SPAN_COLUMNS, ...REQUEST_COLUMNS])},
       INDEX link_trace_id link_trace_id TYPE bloom_filter(0.01) GRANULARITY 4)
     ENGINE = ${dialect.replacingMergeTree('derivation', 'sharded')}
     PARTITION BY toDate(minute, 'UTC') ORDER BY (service, minute, span)
     TTL minute + INTERVAL 30 DAY SETTINGS ttl_only_drop_parts = 1, ${DURABLE}`,
    ...dialect.distributedTable('blocked_spans'),
    `CREATE TABLE IF NOT EXISTS slot_marks${onCluster} (slot DateTime('UTC'), marked_at DateTime64(6, 'UTC'))
     ENGINE = ${dialect.replacingMergeTree('marked_at')} ORDER BY slot
     TTL slot + INTERVAL 30 DAY SETTINGS ${DURABLE}`,
    // Staging area for frozen slots of an import until it is complete; emptied by imports.
    `CREATE TABLE IF NOT EXISTS ${onShards('staged_spans')} (import UInt64, ${definitions([...SPAN_COLUMNS, ...REQUEST_COLUMNS])})
     ENGINE = ${dialect.replacingMergeTree('derivation', 'sharded')}
     PARTITION BY import ORDER BY (import, service, minute, span)`,
    ...dialect.distributedTable('staged_spans'),
  ];
}

function publishedUsage(dialect: Dialect): string[] {
  const { onCluster } = dialect;
  const counted = `${definitions(USAGE_DIMENSIONS)},
       decisions UInt64 CODEC(T64, ZSTD(1)), clients UInt64 CODEC(ZSTD(1))`;
  const order = 'origin, route, kind, verdict, reason, version';
  const received = 'service LowCardinality(String), instance LowCardinality(String)';
  return [
    `CREATE TABLE IF NOT EXISTS usage_minutes${onCluster} (
       slot DateTime('UTC') CODEC(ZSTD(1)), run UInt64 CODEC(ZSTD(1)),
       minute DateTime('UTC') CODEC(Delta(4), ZSTD(1)), ${counted},
       INDEX minute minute TYPE minmax GRANULARITY 1)
     ENGINE = ${dialect.mergeTree()}
     PARTITION BY toDate(minute, 'UTC')
     PRIMARY KEY (service, slot, run) ORDER BY (service, slot, run, ${order}, minute)
     TTL minute + INTERVAL 30 DAY SETTINGS ttl_only_drop_parts = 1, ${DURABLE}`,
    `CREATE TABLE IF NOT EXISTS usage_hours${onCluster} (
       hour DateTime('UTC') CODEC(ZSTD(1)), run UInt64 CODEC(ZSTD(1)),
       first_seen DateTime('UTC') CODEC(ZSTD(1)), last_seen DateTime('UTC') CODEC(ZSTD(1)), ${counted})
     ENGINE = ${dialect.mergeTree()}
     PARTITION BY toYYYYMM(hour, 'UTC')
     PRIMARY KEY (service, hour, run) ORDER BY (service, hour, run, ${order})
     TTL hour + INTERVAL 13 MONTH SETTINGS ttl_only_drop_parts = 1, ${DURABLE}`,
    `CREATE TABLE IF NOT EXISTS completeness_slots${onCluster} (
       slot DateTime('UTC'), run UInt64, ${received},
       spans UInt64, decisions UInt64, fingerprint UInt64, received UInt64, total UInt64)
     ENGINE = ${dialect.mergeTree()}
     PARTITION BY toDate(slot, 'UTC') ORDER BY (slot, run, service, instance)
     TTL slot + INTERVAL 30 DAY SETTINGS ttl_only_drop_parts = 1, ${DURABLE}`,
    `CREATE TABLE IF NOT EXISTS completeness_hours${onCluster} (
       hour DateTime('UTC'), run UInt64, ${received}, received UInt64, total UInt64)
     ENGINE = ${dialect.mergeTree()}
     PARTITION BY toYYYYMM(hour, 'UTC') ORDER BY (service, instance, hour, run)
     TTL hour + INTERVAL 13 MONTH SETTINGS ttl_only_drop_parts = 1, ${DURABLE}`,
    // Markers are kept longer than the rows they mark: a slot must never look unpublished because its
    // marker was deleted first.
    `CREATE TABLE IF NOT EXISTS published_slots${onCluster} (
       slot DateTime('UTC'), run UInt64, published_at DateTime64(6, 'UTC'),
       spans UInt64, decisions UInt64, fingerprint UInt64)
     ENGINE = ${dialect.mergeTree()} ORDER BY (slot, run)
     TTL slot + INTERVAL 37 DAY SETTINGS ${DURABLE}`,
    `CREATE TABLE IF NOT EXISTS published_hours${onCluster} (
       hour DateTime('UTC'), run UInt64, published_at DateTime64(6, 'UTC'),
       slot_runs Array(Tuple(DateTime('UTC'), UInt64)), decisions UInt64)
     ENGINE = ${dialect.mergeTree()} ORDER BY (hour, run)
     TTL hour + INTERVAL 14 MONTH SETTINGS ${DURABLE}`,
  ];
}

/** The published slots and hours as scalars, and conditions over them. */
function published() {
  const never = `toDateTime(4294967295, 'UTC')`;
  return {
    knownSlots: `(SELECT (groupArrayIf((slot, run), run > 0), groupArrayIf(slot, run = 0)) FROM slots) AS known_slots`,
    knownHours: `(SELECT (groupArray((hour, run)), groupArray(hour)) FROM hours) AS known_hours`,
    publishedSlot: '(slot, run) IN known_slots.1',
    publishedHour: '(hour, run) IN known_hours.1',
    unpublished: `minute >= arrayMin(arrayPushBack(known_slots.2, ${never}))
         AND toStartOfTenMinutes(minute) IN known_slots.2`,
    never,
  };
}

/**
 * The views for readers. The published slots and hours are determined once per query, as one scalar, so
 * that a concurrent publication cannot make a slot count twice or not at all.
 */
function views(dialect: Dialect): string[] {
  const { onCluster } = dialect;
  const columns = USAGE_NAMES.join(', ');
  const spanColumns = DIMENSION_NAMES.join(', ');
  const { knownSlots: slots, knownHours: hours, publishedSlot, publishedHour, unpublished } = published();
  // Without FINAL, which would double the cost: a gateway's span stays one whichever row replaces it.
  const ownColumns = `${spanColumns}, ${outermost(dialect, `decision_spans WHERE ${unpublished}`)}`;
  return [
    `CREATE OR REPLACE VIEW slots${onCluster} AS
     SELECT slot, max(run) AS run FROM (
       SELECT slot, toUInt64(0) AS run FROM slot_marks UNION ALL SELECT slot, run FROM published_slots)
     GROUP BY slot`,
    `CREATE OR REPLACE VIEW hours${onCluster} AS
     SELECT hour, max(run) AS run FROM published_hours GROUP BY hour`,
    `CREATE OR REPLACE VIEW origin_usage${onCluster} AS
     WITH ${slots}
     SELECT minute, ${columns}, decisions, clients FROM usage_minutes WHERE ${publishedSlot}
     UNION ALL
     SELECT minute, ${ownColumns}, decisions, clients FROM decision_spans FINAL
     WHERE ${unpublished} AND decisions > 0`,
    `CREATE OR REPLACE VIEW origin_usage_hourly${onCluster} AS
     WITH ${slots}, ${hours}
     SELECT hour, ${columns}, decisions, clients, first_seen, last_seen FROM usage_hours WHERE ${publishedHour}
     UNION ALL
     SELECT toStartOfHour(minute) AS hour, ${columns}, decisions, clients, minute AS first_seen, minute AS last_seen
     FROM usage_minutes WHERE ${publishedSlot} AND toStartOfHour(minute) NOT IN known_hours.2
     UNION ALL
     SELECT toStartOfHour(minute) AS hour, ${ownColumns}, decisions, clients, minute AS first_seen, minute AS last_seen
     FROM decision_spans FINAL WHERE ${unpublished} AND toStartOfHour(minute) NOT IN known_hours.2 AND decisions > 0`,
    `CREATE OR REPLACE VIEW origins${onCluster} AS
     SELECT service, origin, min(first_seen) AS first_seen, max(last_seen) AS last_seen, sum(decisions) AS decisions
     FROM origin_usage_hourly GROUP BY service, origin`,
    `CREATE OR REPLACE VIEW blocked_requests${onCluster} AS
     SELECT time, minute, ${spanColumns}, decisions, path, lpad(lower(hex(span)), 16, '0') AS span_id,
       link_trace_id, link_span_id
     FROM blocked_spans FINAL WHERE decisions > 0 AND verdict = 'blocked'`,
    // Observed in an hour: the increase of the instance's own count over its previous value.
    `CREATE OR REPLACE VIEW completeness${onCluster} AS
     WITH ${slots}, ${hours}
     SELECT hour, service, sum(received) AS received, toUInt64(sum(greatest(total, before) - before)) AS observed
     FROM (
       SELECT hour, service, instance, received, total,
         max(total) OVER (PARTITION BY service, instance ORDER BY hour ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
       FROM (
         SELECT hour, service, instance, sum(received) AS received, max(total) AS total
         FROM (
           SELECT hour, service, instance, received, total FROM completeness_hours WHERE ${publishedHour}
           UNION ALL
           SELECT toStartOfHour(slot) AS hour, service, instance, received, total
           FROM completeness_slots WHERE ${publishedSlot} AND toStartOfHour(slot) NOT IN known_hours.2
           UNION ALL
           SELECT toStartOfHour(minute) AS hour, service, instance, decisions AS received, total
           FROM decision_spans FINAL
           WHERE ${unpublished} AND toStartOfHour(minute) NOT IN known_hours.2 AND source = 'instrumented' AND total > 0
         )
         GROUP BY hour, service, instance HAVING total > 0
       )
     )
     GROUP BY hour, service`,
  ];
}

/**
 * Whether a slot must be published again is determined by counters of the writers, because clocks differ
 * between hosts and are adjusted: a run records the counters that it knew before it aggregated.
 */
function writesByNumber(dialect: Dialect): string[] {
  const { onCluster, onShards } = dialect;
  return [
    `CREATE TABLE IF NOT EXISTS slot_writes${onCluster} (slot DateTime('UTC'), writer UInt64, sequence UInt64)
     ENGINE = ${dialect.replacingMergeTree('sequence')} ORDER BY (slot, writer)
     TTL slot + INTERVAL 30 DAY SETTINGS ${DURABLE}`,
    `ALTER TABLE published_slots${onCluster} ADD COLUMN IF NOT EXISTS writes Array(Tuple(UInt64, UInt64))`,
    // Slots that the earlier marks left unpublished.
    `INSERT INTO slot_writes
     SELECT slot, 0, 1 FROM (SELECT slot, max(marked_at) AS marked FROM slot_marks GROUP BY slot) AS marks
     LEFT JOIN (SELECT slot, max(run) AS run FROM published_slots GROUP BY slot) AS published USING (slot)
     WHERE run = 0 OR marked >= ${RUN_START} - INTERVAL 10 SECOND`,
    // Stage 1: the complete raw rows are being retired. Stage 2: the remaining raw rows are not the
    // complete slot.
    `CREATE TABLE IF NOT EXISTS sealed_slots${onCluster} (slot DateTime('UTC'), stage UInt8)
     ENGINE = ${dialect.replacingMergeTree('stage')} ORDER BY slot
     TTL slot + INTERVAL 37 DAY SETTINGS ${DURABLE}`,
    // Slots whose raw rows are partly gone already.
    `INSERT INTO sealed_slots
     SELECT slot, 2 FROM (SELECT slot, argMax(spans, run) AS spans FROM published_slots GROUP BY slot) AS published
     LEFT JOIN (
       SELECT toStartOfTenMinutes(minute) AS slot, count() AS kept FROM decision_spans FINAL GROUP BY slot) AS raw USING (slot)
     WHERE kept < spans`,
    // Days of raw spans to be dropped: moved here atomically, compared with the published rows, dropped.
    `CREATE TABLE IF NOT EXISTS ${onShards('retired_spans')} (${definitions(SPAN_COLUMNS)})
     ENGINE = ${dialect.replacingMergeTree('derivation', 'sharded')}
     PARTITION BY toDate(minute, 'UTC') ORDER BY (service, minute, span)
     SETTINGS ${DURABLE}`,
    ...dialect.distributedTable('retired_spans'),
    `CREATE TABLE IF NOT EXISTS publication_failures${onCluster} (
       slot DateTime('UTC'), failed_at DateTime64(6, 'UTC'), reason String)
     ENGINE = ${dialect.replacingMergeTree('failed_at')} ORDER BY slot
     TTL slot + INTERVAL 30 DAY`,
  ];
}

/** As `views`, but an hour counts as published only if it was published from its slots' newest runs. */
function viewsOfWholeHours(dialect: Dialect): string[] {
  const { onCluster } = dialect;
  const behind = `(SELECT slot, max(sequence > recorded) AS behind FROM (
         SELECT slot, writer, max(sequence) AS sequence FROM slot_writes GROUP BY slot, writer) AS written
       LEFT JOIN (
         SELECT slot, recorded_write.1 AS writer, recorded_write.2 AS recorded
         FROM (SELECT slot, argMax(writes, run) AS writes FROM published_slots GROUP BY slot)
         ARRAY JOIN writes AS recorded_write) AS known USING (slot, writer)
       GROUP BY slot)`;
  const leftOut = '(SELECT groupArray(slot) FROM slot_states WHERE sealed AND behind) AS sealed_slots_behind';
  const never = `toDateTime(4294967295, 'UTC')`;
  return [
    `CREATE OR REPLACE VIEW slots${onCluster} AS
     SELECT slot, max(run) AS run FROM (
       SELECT slot, toUInt64(0) AS run FROM slot_writes UNION ALL SELECT slot, run FROM published_slots)
     GROUP BY slot`,
    // behind: rows arrived that the newest run may lack. sealed: only an import or a rebuild may change it.
    `CREATE OR REPLACE VIEW slot_states${onCluster} AS
     SELECT slot, run, behind, slot IN (SELECT slot FROM sealed_slots) AS sealed, reason AS failure
     FROM slots
     LEFT JOIN ${behind} AS writes USING (slot)
     LEFT JOIN (SELECT slot, argMax(reason, failed_at) AS reason FROM publication_failures GROUP BY slot) AS failures USING (slot)`,
    `CREATE OR REPLACE VIEW hours${onCluster} AS
     SELECT hour, newest AS run
     FROM (SELECT hour, max(run) AS newest, argMax(slot_runs, run) AS made_of FROM published_hours GROUP BY hour) AS published
     LEFT JOIN (
       SELECT toStartOfHour(slot) AS hour, groupArray((slot, run)) AS slot_runs FROM slots GROUP BY hour) AS current USING (hour)
     WHERE hasAll(made_of, slot_runs)`,
    // Late spans of slots whose other raw rows are gone; not in any other view.
    `CREATE OR REPLACE VIEW left_out${onCluster} AS
     WITH ${leftOut}
     SELECT toStartOfTenMinutes(minute) AS slot, service, count() AS spans, sum(decisions) AS decisions
     FROM decision_spans FINAL
     WHERE minute >= arrayMin(arrayPushBack(sealed_slots_behind, ${never}))
       AND toStartOfTenMinutes(minute) IN sealed_slots_behind
     GROUP BY slot, service`,
  ];
}

/** What the analyzer says, every version of it; two analyzers write the same rows. */
function incidents({ onCluster, replacingMergeTree }: Dialect): string[] {
  const label = 'LowCardinality(String)';
  const subject = `service ${label}, environment ${label}, subject_kind ${label}, subject_value String`;
  const time = "DateTime64(3, 'UTC')";
  return [
    // at: end of the minute after which it was so. document: the incident as JSON, as `originscope backtest` prints it.
    `CREATE TABLE IF NOT EXISTS incidents${onCluster} (
       id String, at DateTime('UTC'), ${subject}, class ${label}, severity ${label}, page Bool, state ${label},
       started_at ${time}, detected_at ${time}, resolved_at Nullable(${time}), decisions UInt64,
       document String CODEC(ZSTD(3)), written_at ${time} DEFAULT now64(3, 'UTC'))
     ENGINE = ${replacingMergeTree('written_at')} PARTITION BY toYYYYMM(detected_at, 'UTC') ORDER BY (id, at)
     TTL at + INTERVAL 13 MONTH SETTINGS ${DURABLE}`,
    `CREATE TABLE IF NOT EXISTS signals${onCluster} (
       incident String, detector ${label}, ${subject}, at ${time}, since ${time},
       observed Float64, expected Float64, unit ${label}, score Float64, sentence String CODEC(ZSTD(1)))
     ENGINE = ${replacingMergeTree('score')} PARTITION BY toYYYYMM(at, 'UTC')
     ORDER BY (incident, detector, subject_kind, subject_value)
     TTL toDateTime(at, 'UTC') + INTERVAL 13 MONTH SETTINGS ${DURABLE}`,
    // What people said of incidents.
    `CREATE TABLE IF NOT EXISTS incident_verdicts${onCluster} (
       incident String, at ${time}, action ${label}, who String, why String, written_at ${time} DEFAULT now64(3, 'UTC'))
     ENGINE = ${replacingMergeTree('written_at')} ORDER BY (incident, at) SETTINGS ${DURABLE}`,
    // How far the analyzer is: minutes up to this one are closed, whatever comes late for them.
    `CREATE TABLE IF NOT EXISTS analyzed_minutes${onCluster} (name ${label}, minute DateTime('UTC'))
     ENGINE = ${replacingMergeTree('minute')} ORDER BY name SETTINGS ${DURABLE}`,
  ];
}

/**
 * What dashboards need to be fast over weeks. The projections are a part of each part of `usage_hours`, so they are
 * as exact as its rows, published or not; ClickHouse chooses them itself. The hashes are what readers select
 * services and origins by.
 */
function sumsOfHours(dialect: Dialect): string[] {
  const { onCluster } = dialect;
  // For parts that are there already; until then they are read as before.
  const inBackground = 'SETTINGS mutations_sync = 0';
  const hashes = ['usage_minutes', 'usage_hours'].flatMap((table) => [
    // Sorted by service, most granules have one.
    `ALTER TABLE ${table}${onCluster} ADD INDEX IF NOT EXISTS service_hash sipHash64(service) TYPE minmax GRANULARITY 1`,
    `ALTER TABLE ${table}${onCluster} ADD INDEX IF NOT EXISTS origin_hash sipHash64(origin) TYPE bloom_filter(0.01) GRANULARITY 1`,
    `ALTER TABLE ${table}${onCluster} MATERIALIZE INDEX service_hash ${inBackground}`,
    `ALTER TABLE ${table}${onCluster} MATERIALIZE INDEX origin_hash ${inBackground}`,
  ]);
  const sums = 'sum(decisions), min(first_seen), max(last_seen)';
  const projections = Object.entries({
    totals: ['hour', 'run', ...SUM_DIMENSIONS, ...BLOCKED_DIMENSIONS.map(whereBlocked)],
    by_origin: [
      'sipHash64(origin)',
      'origin',
      'service',
      'environment',
      'verdict',
      'outermost',
      'hour',
      'run',
    ],
  }).flatMap(([name, keys]) => [
    `ALTER TABLE usage_hours${onCluster} ADD PROJECTION IF NOT EXISTS ${name} (
       SELECT ${keys.join(', ')}, ${sums} GROUP BY ${keys.join(', ')})`,
    `ALTER TABLE usage_hours${onCluster} MATERIALIZE PROJECTION ${name} ${inBackground}`,
  ]);
  return [
    ...hashes,
    // Superseded runs are deleted.
    `ALTER TABLE usage_hours${onCluster} MODIFY SETTING lightweight_mutation_projection_mode = 'rebuild'`,
    ...projections,
    ...viewsByHour(dialect),
  ];
}

/**
 * Published hours alone, because ClickHouse reads a projection only where no UNION is between it and the sum; and
 * from when on hours are not published. In a statement that reads several views each scalar is determined once, so
 * that they know the same slots and hours.
 */
function viewsByHour(dialect: Dialect): string[] {
  const { onCluster } = dialect;
  const columns = USAGE_NAMES.join(', ');
  const { knownSlots, knownHours, publishedSlot, publishedHour, unpublished, never } = published();
  const ownColumns = `${DIMENSION_NAMES.join(', ')}, ${outermost(dialect, `decision_spans WHERE ${unpublished}`)}`;
  const otherHour = 'toStartOfHour(minute) NOT IN known_hours.2';
  const openSince = `arrayMin(arrayPushBack(arrayFilter(
       hour -> hour NOT IN known_hours.2,
       arrayDistinct(arrayMap(slot -> toStartOfHour(slot), arrayConcat(known_slots.1.1, known_slots.2)))), ${never}))`;
  const ofPublishedHours = `
     SELECT hour, ${columns}, decisions, clients, first_seen, last_seen FROM usage_hours WHERE ${publishedHour}`;
  return [
    `CREATE OR REPLACE VIEW usage_published_hours${onCluster} AS
     WITH ${knownHours}${ofPublishedHours}`,
    // The oldest hour with slots that is not published, or not as they are now.
    `CREATE OR REPLACE VIEW open_since${onCluster} AS
     WITH ${knownSlots}, ${knownHours}
     SELECT ${openSince} AS hour`,
    `CREATE OR REPLACE VIEW origin_usage_hourly${onCluster} AS
     WITH ${knownSlots}, ${knownHours}${ofPublishedHours}
     UNION ALL
     SELECT toStartOfHour(minute) AS hour, ${columns}, decisions, clients, minute AS first_seen, minute AS last_seen
     FROM usage_minutes WHERE minute >= ${openSince} AND ${publishedSlot} AND ${otherHour}
     UNION ALL
     SELECT toStartOfHour(minute) AS hour, ${ownColumns}, decisions, clients, minute AS first_seen, minute AS last_seen
     FROM decision_spans FINAL WHERE ${unpublished} AND ${otherHour} AND decisions > 0`,
  ];
}

-- ledger

CREATE TABLE IF NOT EXISTS schema_steps ON CLUSTER production
(
    `version` UInt32,
    `name` String,
    `checksum` String,
    `applied_at` DateTime('UTC')
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/{table}/everywhere', '{shard}-{replica}', applied_at)
ORDER BY version
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- decision spans

CREATE TABLE IF NOT EXISTS decision_spans_local ON CLUSTER production
(
    `minute` DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    `span` UInt64 CODEC(NONE),
    `derivation` UInt16,
    `instance` LowCardinality(String),
    `service` LowCardinality(String),
    `environment` LowCardinality(String),
    `version` LowCardinality(String),
    `api_host` LowCardinality(String),
    `route` LowCardinality(String),
    `kind` LowCardinality(String),
    `verdict` LowCardinality(String),
    `reason` LowCardinality(String),
    `detail` String CODEC(ZSTD(1)),
    `origin` String CODEC(ZSTD(1)),
    `method` LowCardinality(String),
    `requested_headers` String CODEC(ZSTD(1)),
    `credentials` LowCardinality(String),
    `allow_origin` LowCardinality(String),
    `allow_credentials` Bool,
    `vary_origin` Bool,
    `site` LowCardinality(String),
    `browser` Bool,
    `status_code` UInt16,
    `observer` LowCardinality(String),
    `source` LowCardinality(String),
    `max_age` Int32,
    `decisions` UInt64 CODEC(T64, ZSTD(1)),
    `total` UInt64 CODEC(ZSTD(1)),
    `clients` UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/{table}/{shard}', '{replica}', derivation)
PARTITION BY toDate(minute, 'UTC')
ORDER BY (service, minute, span)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS decision_spans ON CLUSTER production AS originscope.decision_spans_local
ENGINE = Distributed('production', 'originscope', decision_spans_local, cityHash64(service, minute, span));

CREATE TABLE IF NOT EXISTS blocked_spans_local ON CLUSTER production
(
    `minute` DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    `span` UInt64 CODEC(NONE),
    `derivation` UInt16,
    `instance` LowCardinality(String),
    `service` LowCardinality(String),
    `environment` LowCardinality(String),
    `version` LowCardinality(String),
    `api_host` LowCardinality(String),
    `route` LowCardinality(String),
    `kind` LowCardinality(String),
    `verdict` LowCardinality(String),
    `reason` LowCardinality(String),
    `detail` String CODEC(ZSTD(1)),
    `origin` String CODEC(ZSTD(1)),
    `method` LowCardinality(String),
    `requested_headers` String CODEC(ZSTD(1)),
    `credentials` LowCardinality(String),
    `allow_origin` LowCardinality(String),
    `allow_credentials` Bool,
    `vary_origin` Bool,
    `site` LowCardinality(String),
    `browser` Bool,
    `status_code` UInt16,
    `observer` LowCardinality(String),
    `source` LowCardinality(String),
    `max_age` Int32,
    `decisions` UInt64 CODEC(T64, ZSTD(1)),
    `total` UInt64 CODEC(ZSTD(1)),
    `clients` UInt64 CODEC(ZSTD(1)),
    `time` DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    `path` String CODEC(ZSTD(1)),
    `link_trace_id` String CODEC(ZSTD(1)),
    `link_span_id` String CODEC(ZSTD(1)),
    INDEX link_trace_id link_trace_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/{table}/{shard}', '{replica}', derivation)
PARTITION BY toDate(minute, 'UTC')
ORDER BY (service, minute, span)
TTL minute + toIntervalDay(30)
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS blocked_spans ON CLUSTER production AS originscope.blocked_spans_local
ENGINE = Distributed('production', 'originscope', blocked_spans_local, cityHash64(service, minute, span));

CREATE TABLE IF NOT EXISTS slot_marks ON CLUSTER production
(
    `slot` DateTime('UTC'),
    `marked_at` DateTime64(6, 'UTC')
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/{table}/everywhere', '{shard}-{replica}', marked_at)
ORDER BY slot
TTL slot + toIntervalDay(30)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS staged_spans_local ON CLUSTER production
(
    `import` UInt64,
    `minute` DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    `span` UInt64 CODEC(NONE),
    `derivation` UInt16,
    `instance` LowCardinality(String),
    `service` LowCardinality(String),
    `environment` LowCardinality(String),
    `version` LowCardinality(String),
    `api_host` LowCardinality(String),
    `route` LowCardinality(String),
    `kind` LowCardinality(String),
    `verdict` LowCardinality(String),
    `reason` LowCardinality(String),
    `detail` String CODEC(ZSTD(1)),
    `origin` String CODEC(ZSTD(1)),
    `method` LowCardinality(String),
    `requested_headers` String CODEC(ZSTD(1)),
    `credentials` LowCardinality(String),
    `allow_origin` LowCardinality(String),
    `allow_credentials` Bool,
    `vary_origin` Bool,
    `site` LowCardinality(String),
    `browser` Bool,
    `status_code` UInt16,
    `observer` LowCardinality(String),
    `source` LowCardinality(String),
    `max_age` Int32,
    `decisions` UInt64 CODEC(T64, ZSTD(1)),
    `total` UInt64 CODEC(ZSTD(1)),
    `clients` UInt64 CODEC(ZSTD(1)),
    `time` DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    `path` String CODEC(ZSTD(1)),
    `link_trace_id` String CODEC(ZSTD(1)),
    `link_span_id` String CODEC(ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/{table}/{shard}', '{replica}', derivation)
PARTITION BY import
ORDER BY (import, service, minute, span);

CREATE TABLE IF NOT EXISTS staged_spans ON CLUSTER production AS originscope.staged_spans_local
ENGINE = Distributed('production', 'originscope', staged_spans_local, cityHash64(service, minute, span));

INSERT INTO schema_steps SELECT
    1,
    'decision spans',
    '9a6d3de0fce695d117afd0c618b2561e254c23a05195c205771b0230e50b03cd',
    now('UTC');

-- published usage

CREATE TABLE IF NOT EXISTS usage_minutes ON CLUSTER production
(
    `slot` DateTime('UTC') CODEC(ZSTD(1)),
    `run` UInt64 CODEC(ZSTD(1)),
    `minute` DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    `service` LowCardinality(String),
    `environment` LowCardinality(String),
    `version` LowCardinality(String),
    `api_host` LowCardinality(String),
    `route` LowCardinality(String),
    `kind` LowCardinality(String),
    `verdict` LowCardinality(String),
    `reason` LowCardinality(String),
    `detail` String CODEC(ZSTD(1)),
    `origin` String CODEC(ZSTD(1)),
    `method` LowCardinality(String),
    `requested_headers` String CODEC(ZSTD(1)),
    `credentials` LowCardinality(String),
    `allow_origin` LowCardinality(String),
    `allow_credentials` Bool,
    `vary_origin` Bool,
    `site` LowCardinality(String),
    `browser` Bool,
    `status_code` UInt16,
    `observer` LowCardinality(String),
    `source` LowCardinality(String),
    `max_age` Int32,
    `outermost` Bool,
    `decisions` UInt64 CODEC(T64, ZSTD(1)),
    `clients` UInt64 CODEC(ZSTD(1)),
    INDEX minute minute TYPE minmax GRANULARITY 1
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{database}/{table}/everywhere', '{shard}-{replica}')
PARTITION BY toDate(minute, 'UTC')
PRIMARY KEY (service, slot, run)
ORDER BY (service, slot, run, origin, route, kind, verdict, reason, version, minute)
TTL minute + toIntervalDay(30)
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS usage_hours ON CLUSTER production
(
    `hour` DateTime('UTC') CODEC(ZSTD(1)),
    `run` UInt64 CODEC(ZSTD(1)),
    `first_seen` DateTime('UTC') CODEC(ZSTD(1)),
    `last_seen` DateTime('UTC') CODEC(ZSTD(1)),
    `service` LowCardinality(String),
    `environment` LowCardinality(String),
    `version` LowCardinality(String),
    `api_host` LowCardinality(String),
    `route` LowCardinality(String),
    `kind` LowCardinality(String),
    `verdict` LowCardinality(String),
    `reason` LowCardinality(String),
    `detail` String CODEC(ZSTD(1)),
    `origin` String CODEC(ZSTD(1)),
    `method` LowCardinality(String),
    `requested_headers` String CODEC(ZSTD(1)),
    `credentials` LowCardinality(String),
    `allow_origin` LowCardinality(String),
    `allow_credentials` Bool,
    `vary_origin` Bool,
    `site` LowCardinality(String),
    `browser` Bool,
    `status_code` UInt16,
    `observer` LowCardinality(String),
    `source` LowCardinality(String),
    `max_age` Int32,
    `outermost` Bool,
    `decisions` UInt64 CODEC(T64, ZSTD(1)),
    `clients` UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{database}/{table}/everywhere', '{shard}-{replica}')
PARTITION BY toYYYYMM(hour, 'UTC')
PRIMARY KEY (service, hour, run)
ORDER BY (service, hour, run, origin, route, kind, verdict, reason, version)
TTL hour + toIntervalMonth(13)
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS completeness_slots ON CLUSTER production
(
    `slot` DateTime('UTC'),
    `run` UInt64,
    `service` LowCardinality(String),
    `instance` LowCardinality(String),
    `spans` UInt64,
    `decisions` UInt64,
    `fingerprint` UInt64,
    `received` UInt64,
    `total` UInt64
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{database}/{table}/everywhere', '{shard}-{replica}')
PARTITION BY toDate(slot, 'UTC')
ORDER BY (slot, run, service, instance)
TTL slot + toIntervalDay(30)
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS completeness_hours ON CLUSTER production
(
    `hour` DateTime('UTC'),
    `run` UInt64,
    `service` LowCardinality(String),
    `instance` LowCardinality(String),
    `received` UInt64,
    `total` UInt64
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{database}/{table}/everywhere', '{shard}-{replica}')
PARTITION BY toYYYYMM(hour, 'UTC')
ORDER BY (service, instance, hour, run)
TTL hour + toIntervalMonth(13)
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS published_slots ON CLUSTER production
(
    `slot` DateTime('UTC'),
    `run` UInt64,
    `published_at` DateTime64(6, 'UTC'),
    `spans` UInt64,
    `decisions` UInt64,
    `fingerprint` UInt64
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{database}/{table}/everywhere', '{shard}-{replica}')
ORDER BY (slot, run)
TTL slot + toIntervalDay(37)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS published_hours ON CLUSTER production
(
    `hour` DateTime('UTC'),
    `run` UInt64,
    `published_at` DateTime64(6, 'UTC'),
    `slot_runs` Array(Tuple(
        DateTime('UTC'),
        UInt64)),
    `decisions` UInt64
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{database}/{table}/everywhere', '{shard}-{replica}')
ORDER BY (hour, run)
TTL hour + toIntervalMonth(14)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO schema_steps SELECT
    2,
    'published usage',
    'e0a230993c77796f4b004fb4e935d2d3bcc6c94aae7b63f1671f30db48ee985e',
    now('UTC');

-- views

CREATE OR REPLACE VIEW slots ON CLUSTER production
AS SELECT
    slot,
    max(run) AS run
FROM
(
    SELECT
        slot,
        toUInt64(0) AS run
    FROM slot_marks
    UNION ALL
    SELECT
        slot,
        run
    FROM published_slots
)
GROUP BY slot;

CREATE OR REPLACE VIEW hours ON CLUSTER production
AS SELECT
    hour,
    max(run) AS run
FROM published_hours
GROUP BY hour;

CREATE OR REPLACE VIEW origin_usage ON CLUSTER production
AS WITH
    (
        SELECT (groupArrayIf((slot, run), run > 0), groupArrayIf(slot, run = 0))
        FROM slots
    ) AS known_slots
SELECT
    minute,
    service,
    environment,
    version,
    api_host,
    route,
    kind,
    verdict,
    reason,
    detail,
    origin,
    method,
    requested_headers,
    credentials,
    allow_origin,
    allow_credentials,
    vary_origin,
    site,
    browser,
    status_code,
    observer,
    source,
    max_age,
    outermost,
    decisions,
    clients
FROM usage_minutes
WHERE (slot, run) IN (known_slots.1)
UNION ALL
SELECT
    minute,
    service,
    environment,
    version,
    api_host,
    route,
    kind,
    verdict,
    reason,
    detail,
    origin,
    method,
    requested_headers,
    credentials,
    allow_origin,
    allow_credentials,
    vary_origin,
    site,
    browser,
    status_code,
    observer,
    source,
    max_age,
    ((observer = 'gateway') OR ((toStartOfTenMinutes(minute), api_host) GLOBAL NOT IN (
        SELECT
            toStartOfTenMinutes(minute),
            api_host
        FROM decision_spans
        WHERE (minute >= arrayMin(arrayPushBack(known_slots.2, toDateTime(4294967295, 'UTC')))) AND (toStartOfTenMinutes(minute) IN (known_slots.2)) AND (observer = 'gateway') AND (api_host != '') AND (decisions > 0)
    ))) AS outermost,
    decisions,
    clients
FROM decision_spans
FINAL
WHERE (minute >= arrayMin(arrayPushBack(known_slots.2, toDateTime(4294967295, 'UTC')))) AND (toStartOfTenMinutes(minute) IN (known_slots.2)) AND (decisions > 0);

CREATE OR REPLACE VIEW origin_usage_hourly ON CLUSTER production
AS WITH
    (
        SELECT (groupArrayIf((slot, run), run > 0), groupArrayIf(slot, run = 0))
        FROM slots
    ) AS known_slots,
    (
        SELECT (groupArray((hour, run)), groupArray(hour))
        FROM hours
    ) AS known_hours
SELECT
    hour,
    service,
    environment,
    version,
    api_host,
    route,
    kind,
    verdict,
    reason,
    detail,
    origin,
    method,
    requested_headers,
    credentials,
    allow_origin,
    allow_credentials,
    vary_origin,
    site,
    browser,
    status_code,
    observer,
    source,
    max_age,
    outermost,
    decisions,
    clients,
    first_seen,
    last_seen
FROM usage_hours
WHERE (hour, run) IN (known_hours.1)
UNION ALL
SELECT
    toStartOfHour(minute) AS hour,
    service,
    environment,
    version,
    api_host,
    route,
    kind,
    verdict,
    reason,
    detail,
    origin,
    method,
    requested_headers,
    credentials,
    allow_origin,
    allow_credentials,
    vary_origin,
    site,
    browser,
    status_code,
    observer,
    source,
    max_age,
    outermost,
    decisions,
    clients,
    minute AS first_seen,
    minute AS last_seen
FROM usage_minutes
WHERE ((slot, run) IN (known_slots.1)) AND (toStartOfHour(minute) NOT IN (known_hours.2))
UNION ALL
SELECT
    toStartOfHour(minute) AS hour,
    service,
    environment,
    version,
    api_host,
    route,
    kind,
    verdict,
    reason,
    detail,
    origin,
    method,
    requested_headers,
    credentials,
    allow_origin,
    allow_credentials,
    vary_origin,
    site,
    browser,
    status_code,
    observer,
    source,
    max_age,
    ((observer = 'gateway') OR ((toStartOfTenMinutes(minute), api_host) GLOBAL NOT IN (
        SELECT
            toStartOfTenMinutes(minute),
            api_host
        FROM decision_spans
        WHERE (minute >= arrayMin(arrayPushBack(known_slots.2, toDateTime(4294967295, 'UTC')))) AND (toStartOfTenMinutes(minute) IN (known_slots.2)) AND (observer = 'gateway') AND (api_host != '') AND (decisions > 0)
    ))) AS outermost,
    decisions,
    clients,
    minute AS first_seen,
    minute AS last_seen
FROM decision_spans
FINAL
WHERE (minute >= arrayMin(arrayPushBack(known_slots.2, toDateTime(4294967295, 'UTC')))) AND (toStartOfTenMinutes(minute) IN (known_slots.2)) AND (toStartOfHour(minute) NOT IN (known_hours.2)) AND (decisions > 0);

CREATE OR REPLACE VIEW origins ON CLUSTER production
AS SELECT
    service,
    origin,
    min(first_seen) AS first_seen,
    max(last_seen) AS last_seen,
    sum(decisions) AS decisions
FROM origin_usage_hourly
GROUP BY
    service,
    origin;

CREATE OR REPLACE VIEW blocked_requests ON CLUSTER production
AS SELECT
    time,
    minute,
    service,
    environment,
    version,
    api_host,
    route,
    kind,
    verdict,
    reason,
    detail,
    origin,
    method,
    requested_headers,
    credentials,
    allow_origin,
    allow_credentials,
    vary_origin,
    site,
    browser,
    status_code,
    observer,
    source,
    max_age,
    decisions,
    path,
    lpad(lower(hex(span)), 16, '0') AS span_id,
    link_trace_id,
    link_span_id
FROM blocked_spans
FINAL
WHERE (decisions > 0) AND (verdict = 'blocked');

CREATE OR REPLACE VIEW completeness ON CLUSTER production
AS WITH
    (
        SELECT (groupArrayIf((slot, run), run > 0), groupArrayIf(slot, run = 0))
        FROM slots
    ) AS known_slots,
    (
        SELECT (groupArray((hour, run)), groupArray(hour))
        FROM hours
    ) AS known_hours
SELECT
    hour,
    service,
    sum(received) AS received,
    toUInt64(sum(greatest(total, before) - before)) AS observed
FROM
(
    SELECT
        hour,
        service,
        instance,
        received,
        total,
        max(total) OVER (PARTITION BY service, instance ORDER BY hour ASC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM
    (
        SELECT
            hour,
            service,
            instance,
            sum(received) AS received,
            max(total) AS total
        FROM
        (
            SELECT
                hour,
                service,
                instance,
                received,
                total
            FROM completeness_hours
            WHERE (hour, run) IN (known_hours.1)
            UNION ALL
            SELECT
                toStartOfHour(slot) AS hour,
                service,
                instance,
                received,
                total
            FROM completeness_slots
            WHERE ((slot, run) IN (known_slots.1)) AND (toStartOfHour(slot) NOT IN (known_hours.2))
            UNION ALL
            SELECT
                toStartOfHour(minute) AS hour,
                service,
                instance,
                decisions AS received,
                total
            FROM decision_spans
            FINAL
            WHERE (minute >= arrayMin(arrayPushBack(known_slots.2, toDateTime(4294967295, 'UTC')))) AND (toStartOfTenMinutes(minute) IN (known_slots.2)) AND (toStartOfHour(minute) NOT IN (known_hours.2)) AND (source = 'instrumented') AND (total > 0)
        )
        GROUP BY
            hour,
            service,
            instance
        HAVING total > 0
    )
)
GROUP BY
    hour,
    service;

INSERT INTO schema_steps SELECT
    3,
    'views',
    '21767a777e7cde149c334f1f8df132dd00f7fe692341b6c614ac5e83d0eeec61',
    now('UTC');

-- writes by number

CREATE TABLE IF NOT EXISTS slot_writes ON CLUSTER production
(
    `slot` DateTime('UTC'),
    `writer` UInt64,
    `sequence` UInt64
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/{table}/everywhere', '{shard}-{replica}', sequence)
ORDER BY (slot, writer)
TTL slot + toIntervalDay(30)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

ALTER TABLE published_slots ON CLUSTER production
    (ADD COLUMN IF NOT EXISTS `writes` Array(Tuple(
        UInt64,
        UInt64)));

INSERT INTO slot_writes SELECT
    slot,
    0,
    1
FROM
(
    SELECT
        slot,
        max(marked_at) AS marked
    FROM slot_marks
    GROUP BY slot
) AS marks
LEFT JOIN
(
    SELECT
        slot,
        max(run) AS run
    FROM published_slots
    GROUP BY slot
) AS published USING (slot)
WHERE (run = 0) OR (marked >= (fromUnixTimestamp64Micro(toInt64(intDiv(run, 1024)), 'UTC') - toIntervalSecond(10)));

CREATE TABLE IF NOT EXISTS sealed_slots ON CLUSTER production
(
    `slot` DateTime('UTC'),
    `stage` UInt8
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/{table}/everywhere', '{shard}-{replica}', stage)
ORDER BY slot
TTL slot + toIntervalDay(37)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO sealed_slots SELECT
    slot,
    2
FROM
(
    SELECT
        slot,
        argMax(spans, run) AS spans
    FROM published_slots
    GROUP BY slot
) AS published
LEFT JOIN
(
    SELECT
        toStartOfTenMinutes(minute) AS slot,
        count() AS kept
    FROM decision_spans
    FINAL
    GROUP BY slot
) AS raw USING (slot)
WHERE kept < spans;

CREATE TABLE IF NOT EXISTS retired_spans_local ON CLUSTER production
(
    `minute` DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    `span` UInt64 CODEC(NONE),
    `derivation` UInt16,
    `instance` LowCardinality(String),
    `service` LowCardinality(String),
    `environment` LowCardinality(String),
    `version` LowCardinality(String),
    `api_host` LowCardinality(String),
    `route` LowCardinality(String),
    `kind` LowCardinality(String),
    `verdict` LowCardinality(String),
    `reason` LowCardinality(String),
    `detail` String CODEC(ZSTD(1)),
    `origin` String CODEC(ZSTD(1)),
    `method` LowCardinality(String),
    `requested_headers` String CODEC(ZSTD(1)),
    `credentials` LowCardinality(String),
    `allow_origin` LowCardinality(String),
    `allow_credentials` Bool,
    `vary_origin` Bool,
    `site` LowCardinality(String),
    `browser` Bool,
    `status_code` UInt16,
    `observer` LowCardinality(String),
    `source` LowCardinality(String),
    `max_age` Int32,
    `decisions` UInt64 CODEC(T64, ZSTD(1)),
    `total` UInt64 CODEC(ZSTD(1)),
    `clients` UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/{table}/{shard}', '{replica}', derivation)
PARTITION BY toDate(minute, 'UTC')
ORDER BY (service, minute, span)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS retired_spans ON CLUSTER production AS originscope.retired_spans_local
ENGINE = Distributed('production', 'originscope', retired_spans_local, cityHash64(service, minute, span));

CREATE TABLE IF NOT EXISTS publication_failures ON CLUSTER production
(
    `slot` DateTime('UTC'),
    `failed_at` DateTime64(6, 'UTC'),
    `reason` String
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/{table}/everywhere', '{shard}-{replica}', failed_at)
ORDER BY slot
TTL slot + toIntervalDay(30);

INSERT INTO schema_steps SELECT
    4,
    'writes by number',
    '18c5f2729a80a98c458678fcdc00f730d758c670f6f8667d5d1573545c5099a6',
    now('UTC');

-- views of whole hours

CREATE OR REPLACE VIEW slots ON CLUSTER production
AS SELECT
    slot,
    max(run) AS run
FROM
(
    SELECT
        slot,
        toUInt64(0) AS run
    FROM slot_writes
    UNION ALL
    SELECT
        slot,
        run
    FROM published_slots
)
GROUP BY slot;

CREATE OR REPLACE VIEW slot_states ON CLUSTER production
AS SELECT
    slot,
    run,
    behind,
    slot IN (
        SELECT slot
        FROM sealed_slots
    ) AS sealed,
    reason AS failure
FROM slots
LEFT JOIN
(
    SELECT
        slot,
        max(sequence > recorded) AS behind
    FROM
    (
        SELECT
            slot,
            writer,
            max(sequence) AS sequence
        FROM slot_writes
        GROUP BY
            slot,
            writer
    ) AS written
    LEFT JOIN
    (
        SELECT
            slot,
            recorded_write.1 AS writer,
            recorded_write.2 AS recorded
        FROM
        (
            SELECT
                slot,
                argMax(writes, run) AS writes
            FROM published_slots
            GROUP BY slot
        )
        ARRAY JOIN writes AS recorded_write
    ) AS known USING (slot, writer)
    GROUP BY slot
) AS writes USING (slot)
LEFT JOIN
(
    SELECT
        slot,
        argMax(reason, failed_at) AS reason
    FROM publication_failures
    GROUP BY slot
) AS failures USING (slot);

CREATE OR REPLACE VIEW hours ON CLUSTER production
AS SELECT
    hour,
    newest AS run
FROM
(
    SELECT
        hour,
        max(run) AS newest,
        argMax(slot_runs, run) AS made_of
    FROM published_hours
    GROUP BY hour
) AS published
LEFT JOIN
(
    SELECT
        toStartOfHour(slot) AS hour,
        groupArray((slot, run)) AS slot_runs
    FROM slots
    GROUP BY hour
) AS current USING (hour)
WHERE hasAll(made_of, slot_runs);

CREATE OR REPLACE VIEW left_out ON CLUSTER production
AS WITH
    (
        SELECT groupArray(slot)
        FROM slot_states
        WHERE sealed AND behind
    ) AS sealed_slots_behind
SELECT
    toStartOfTenMinutes(minute) AS slot,
    service,
    count() AS spans,
    sum(decisions) AS decisions
FROM decision_spans
FINAL
WHERE (minute >= arrayMin(arrayPushBack(sealed_slots_behind, toDateTime(4294967295, 'UTC')))) AND (toStartOfTenMinutes(minute) IN (sealed_slots_behind))
GROUP BY
    slot,
    service;

INSERT INTO schema_steps SELECT
    5,
    'views of whole hours',
    '04c983e5ff6ba2d31e6450673f6163153ab9c662440c622603289ced11dacf47',
    now('UTC');

-- incidents

CREATE TABLE IF NOT EXISTS incidents ON CLUSTER production
(
    `id` String,
    `at` DateTime('UTC'),
    `service` LowCardinality(String),
    `environment` LowCardinality(String),
    `subject_kind` LowCardinality(String),
    `subject_value` String,
    `class` LowCardinality(String),
    `severity` LowCardinality(String),
    `page` Bool,
    `state` LowCardinality(String),
    `started_at` DateTime64(3, 'UTC'),
    `detected_at` DateTime64(3, 'UTC'),
    `resolved_at` Nullable(DateTime64(3, 'UTC')),
    `decisions` UInt64,
    `document` String CODEC(ZSTD(3)),
    `written_at` DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/{table}/everywhere', '{shard}-{replica}', written_at)
PARTITION BY toYYYYMM(detected_at, 'UTC')
ORDER BY (id, at)
TTL at + toIntervalMonth(13)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS signals ON CLUSTER production
(
    `incident` String,
    `detector` LowCardinality(String),
    `service` LowCardinality(String),
    `environment` LowCardinality(String),
    `subject_kind` LowCardinality(String),
    `subject_value` String,
    `at` DateTime64(3, 'UTC'),
    `since` DateTime64(3, 'UTC'),
    `observed` Float64,
    `expected` Float64,
    `unit` LowCardinality(String),
    `score` Float64,
    `sentence` String CODEC(ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/{table}/everywhere', '{shard}-{replica}', score)
PARTITION BY toYYYYMM(at, 'UTC')
ORDER BY (incident, detector, subject_kind, subject_value)
TTL toDateTime(at, 'UTC') + toIntervalMonth(13)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS incident_verdicts ON CLUSTER production
(
    `incident` String,
    `at` DateTime64(3, 'UTC'),
    `action` LowCardinality(String),
    `who` String,
    `why` String,
    `written_at` DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/{table}/everywhere', '{shard}-{replica}', written_at)
ORDER BY (incident, at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS analyzed_minutes ON CLUSTER production
(
    `name` LowCardinality(String),
    `minute` DateTime('UTC')
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/{table}/everywhere', '{shard}-{replica}', minute)
ORDER BY name
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

INSERT INTO schema_steps SELECT
    6,
    'incidents',
    '1c5410c6389764a9827768bbd80670a5255a048c90c626841a5a899968b9d26a',
    now('UTC');

-- sums of hours

ALTER TABLE usage_minutes ON CLUSTER production
    (ADD INDEX IF NOT EXISTS service_hash sipHash64(service) TYPE minmax GRANULARITY 1);

ALTER TABLE usage_minutes ON CLUSTER production
    (ADD INDEX IF NOT EXISTS origin_hash sipHash64(origin) TYPE bloom_filter(0.01) GRANULARITY 1);

ALTER TABLE usage_minutes ON CLUSTER production
    (MATERIALIZE INDEX service_hash)
SETTINGS mutations_sync = 0;

ALTER TABLE usage_minutes ON CLUSTER production
    (MATERIALIZE INDEX origin_hash)
SETTINGS mutations_sync = 0;

ALTER TABLE usage_hours ON CLUSTER production
    (ADD INDEX IF NOT EXISTS service_hash sipHash64(service) TYPE minmax GRANULARITY 1);

ALTER TABLE usage_hours ON CLUSTER production
    (ADD INDEX IF NOT EXISTS origin_hash sipHash64(origin) TYPE bloom_filter(0.01) GRANULARITY 1);

ALTER TABLE usage_hours ON CLUSTER production
    (MATERIALIZE INDEX service_hash)
SETTINGS mutations_sync = 0;

ALTER TABLE usage_hours ON CLUSTER production
    (MATERIALIZE INDEX origin_hash)
SETTINGS mutations_sync = 0;

ALTER TABLE usage_hours ON CLUSTER production
    (MODIFY SETTING lightweight_mutation_projection_mode = 'rebuild');

ALTER TABLE usage_hours ON CLUSTER production
    (ADD PROJECTION IF NOT EXISTS totals
    (
        SELECT
            hour,
            run,
            service,
            environment,
            version,
            kind,
            verdict,
            reason,
            browser,
            source,
            max_age,
            outermost,
            if(verdict = 'blocked', origin, ''),
            if(verdict = 'blocked', route, ''),
            if(verdict = 'blocked', detail, ''),
            if(verdict = 'blocked', method, ''),
            if(verdict = 'blocked', requested_headers, ''),
            if(verdict = 'blocked', credentials, ''),
            if(verdict = 'blocked', allow_origin, ''),
            if(verdict = 'blocked', status_code, 0),
            sum(decisions),
            min(first_seen),
            max(last_seen)
        GROUP BY
            hour,
            run,
            service,
            environment,
            version,
            kind,
            verdict,
            reason,
            browser,
            source,
            max_age,
            outermost,
            if(verdict = 'blocked', origin, ''),
            if(verdict = 'blocked', route, ''),
            if(verdict = 'blocked', detail, ''),
            if(verdict = 'blocked', method, ''),
            if(verdict = 'blocked', requested_headers, ''),
            if(verdict = 'blocked', credentials, ''),
            if(verdict = 'blocked', allow_origin, ''),
            if(verdict = 'blocked', status_code, 0)
    ));

ALTER TABLE usage_hours ON CLUSTER production
    (MATERIALIZE PROJECTION totals)
SETTINGS mutations_sync = 0;

ALTER TABLE usage_hours ON CLUSTER production
    (ADD PROJECTION IF NOT EXISTS by_origin
    (
        SELECT
            sipHash64(origin),
            origin,
            service,
            environment,
            verdict,
            outermost,
            hour,
            run,
            sum(decisions),
            min(first_seen),
            max(last_seen)
        GROUP BY
            sipHash64(origin),
            origin,
            service,
            environment,
            verdict,
            outermost,
            hour,
            run
    ));

ALTER TABLE usage_hours ON CLUSTER production
    (MATERIALIZE PROJECTION by_origin)
SETTINGS mutations_sync = 0;

CREATE OR REPLACE VIEW usage_published_hours ON CLUSTER production
AS WITH
    (
        SELECT (groupArray((hour, run)), groupArray(hour))
        FROM hours
    ) AS known_hours
SELECT
    hour,
    service,
    environment,
    version,
    api_host,
    route,
    kind,
    verdict,
    reason,
    detail,
    origin,
    method,
    requested_headers,
    credentials,
    allow_origin,
    allow_credentials,
    vary_origin,
    site,
    browser,
    status_code,
    observer,
    source,
    max_age,
    outermost,
    decisions,
    clients,
    first_seen,
    last_seen
FROM usage_hours
WHERE (hour, run) IN (known_hours.1);

CREATE OR REPLACE VIEW open_since ON CLUSTER production
AS WITH
    (
        SELECT (groupArrayIf((slot, run), run > 0), groupArrayIf(slot, run = 0))
        FROM slots
    ) AS known_slots,
    (
        SELECT (groupArray((hour, run)), groupArray(hour))
        FROM hours
    ) AS known_hours
SELECT arrayMin(arrayPushBack(arrayFilter(hour -> (hour NOT IN (known_hours.2)), arrayDistinct(arrayMap(slot -> toStartOfHour(slot), arrayConcat((known_slots.1).1, known_slots.2)))), toDateTime(4294967295, 'UTC'))) AS hour;

CREATE OR REPLACE VIEW origin_usage_hourly ON CLUSTER production
AS WITH
    (
        SELECT (groupArrayIf((slot, run), run > 0), groupArrayIf(slot, run = 0))
        FROM slots
    ) AS known_slots,
    (
        SELECT (groupArray((hour, run)), groupArray(hour))
        FROM hours
    ) AS known_hours
SELECT
    hour,
    service,
    environment,
    version,
    api_host,
    route,
    kind,
    verdict,
    reason,
    detail,
    origin,
    method,
    requested_headers,
    credentials,
    allow_origin,
    allow_credentials,
    vary_origin,
    site,
    browser,
    status_code,
    observer,
    source,
    max_age,
    outermost,
    decisions,
    clients,
    first_seen,
    last_seen
FROM usage_hours
WHERE (hour, run) IN (known_hours.1)
UNION ALL
SELECT
    toStartOfHour(minute) AS hour,
    service,
    environment,
    version,
    api_host,
    route,
    kind,
    verdict,
    reason,
    detail,
    origin,
    method,
    requested_headers,
    credentials,
    allow_origin,
    allow_credentials,
    vary_origin,
    site,
    browser,
    status_code,
    observer,
    source,
    max_age,
    outermost,
    decisions,
    clients,
    minute AS first_seen,
    minute AS last_seen
FROM usage_minutes
WHERE (minute >= arrayMin(arrayPushBack(arrayFilter(hour -> (hour NOT IN (known_hours.2)), arrayDistinct(arrayMap(slot -> toStartOfHour(slot), arrayConcat((known_slots.1).1, known_slots.2)))), toDateTime(4294967295, 'UTC')))) AND ((slot, run) IN (known_slots.1)) AND (toStartOfHour(minute) NOT IN (known_hours.2))
UNION ALL
SELECT
    toStartOfHour(minute) AS hour,
    service,
    environment,
    version,
    api_host,
    route,
    kind,
    verdict,
    reason,
    detail,
    origin,
    method,
    requested_headers,
    credentials,
    allow_origin,
    allow_credentials,
    vary_origin,
    site,
    browser,
    status_code,
    observer,
    source,
    max_age,
    ((observer = 'gateway') OR ((toStartOfTenMinutes(minute), api_host) GLOBAL NOT IN (
        SELECT
            toStartOfTenMinutes(minute),
            api_host
        FROM decision_spans
        WHERE (minute >= arrayMin(arrayPushBack(known_slots.2, toDateTime(4294967295, 'UTC')))) AND (toStartOfTenMinutes(minute) IN (known_slots.2)) AND (observer = 'gateway') AND (api_host != '') AND (decisions > 0)
    ))) AS outermost,
    decisions,
    clients,
    minute AS first_seen,
    minute AS last_seen
FROM decision_spans
FINAL
WHERE (minute >= arrayMin(arrayPushBack(known_slots.2, toDateTime(4294967295, 'UTC')))) AND (toStartOfTenMinutes(minute) IN (known_slots.2)) AND (toStartOfHour(minute) NOT IN (known_hours.2)) AND (decisions > 0);

INSERT INTO schema_steps SELECT
    7,
    'sums of hours',
    '1de51496df042e436ad1e586f0d51e4c44862048c794e58fcfcbbcb61778b483',
    now('UTC');

import type { ClickHouseClient } from '@clickhouse/client';

export const PEER_TABLE = 'otel_traces';

/**
 * The shape in which the OpenTelemetry Collector's ClickHouse exporter keeps spans, with the same sorting
 * key, codecs and indexes, and the attributes of a CORS decision on every span: one row a decision.
 */
export async function fillPeer(client: ClickHouseClient, rows: number): Promise<void> {
  await client.command({
    query: `CREATE TABLE ${PEER_TABLE} (
      Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
      TraceId String CODEC(ZSTD(1)), SpanId String CODEC(ZSTD(1)), ParentSpanId String CODEC(ZSTD(1)),
      TraceState String CODEC(ZSTD(1)),
      SpanName LowCardinality(String) CODEC(ZSTD(1)), SpanKind LowCardinality(String) CODEC(ZSTD(1)),
      ServiceName LowCardinality(String) CODEC(ZSTD(1)),
      ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
      ScopeName String CODEC(ZSTD(1)), ScopeVersion String CODEC(ZSTD(1)),
      SpanAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
      Duration UInt64 CODEC(ZSTD(1)),
      StatusCode LowCardinality(String) CODEC(ZSTD(1)), StatusMessage String CODEC(ZSTD(1)),
      INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
      INDEX idx_span_attr_key mapKeys(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
      INDEX idx_span_attr_value mapValues(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
      INDEX idx_duration Duration TYPE minmax GRANULARITY 1)
    ENGINE = MergeTree PARTITION BY toDate(Timestamp) ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))`,
  });
  const sample = 500_000;
  for (let from = 0; from < rows; from += sample) {
    await client.command({
      query: `INSERT INTO ${PEER_TABLE} SELECT
        minute + toIntervalMillisecond(rand(1) % 60000),
        lower(hex(generateUUIDv4(1))), substring(lower(hex(generateUUIDv4(2))), 1, 16), substring(lower(hex(generateUUIDv4(3))), 1, 16), '',
        if(kind = 'preflight', 'OPTIONS', concat(method, ' ', route)), 'Server', service,
        map('service.name', service, 'service.instance.id', instance, 'service.version', version,
          'deployment.environment.name', environment, 'telemetry.sdk.language', 'nodejs', 'telemetry.sdk.name', 'opentelemetry',
          'telemetry.sdk.version', '2.1.0', 'host.name', instance, 'process.pid', '1', 'process.runtime.name', 'nodejs'),
        '@opentelemetry/instrumentation-http', '0.205.0',
        map('http.request.method', method, 'http.route', route, 'url.path', replaceOne(route, ':id', toString(rand(4) % 100000)),
          'url.scheme', 'https', 'server.address', api_host, 'server.port', '443', 'network.protocol.version', '1.1',
          'http.response.status_code', toString(status_code), 'user_agent.original', 'Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36',
          'client.address', concat('203.0.113.', toString(rand(5) % 256)), 'http.request.header.origin', origin,
          'cors.kind', kind, 'cors.verdict', verdict, 'cors.reason', reason),
        rand(6) % 50000000, 'Unset', ''
      FROM decision_spans LIMIT ${Math.min(sample, rows - from)} OFFSET ${from * 3}`,
    });
  }
  await client.command({ query: `OPTIMIZE TABLE ${PEER_TABLE} FINAL` });
}

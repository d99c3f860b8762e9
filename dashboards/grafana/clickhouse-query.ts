import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import type { DataSourceRef } from '@grafana/grafana-foundation-sdk/common';
import type { Panel } from '../definitions/definition.ts';

export const DATASOURCE_TYPE = 'grafana-clickhouse-datasource';
/** What the queries are written for; the plugin migrates those of older versions. */
const PLUGIN_VERSION = '4.20.0';

/** `format` as the plugin numbers it. */
const FORMATS = { time_series: 0, table: 1 } as const;

/** A query of the ClickHouse plugin, of which the SDK has no builder. */
export function clickHouseQuery(
  kind: Panel['kind'],
  rawSql: string,
  datasource: DataSourceRef,
  refId = 'A',
): Builder<Dataquery> {
  const isTimeSeries = kind === 'time_series';
  const query = {
    refId,
    datasource,
    pluginVersion: PLUGIN_VERSION,
    editorType: 'sql',
    queryType: isTimeSeries ? 'timeseries' : 'table',
    format: isTimeSeries ? FORMATS.time_series : FORMATS.table,
    rawSql,
    _implementsDataqueryVariant() {},
  };
  return { build: () => query };
}

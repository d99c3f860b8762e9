import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import * as common from '@grafana/grafana-foundation-sdk/common';
import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import type {
  DashboardLink,
  Panel,
  StatPanel,
  TableColumn,
  TablePanel,
  TimeSeriesPanel,
} from '../definitions/definition.ts';
import { DECIMALS, thresholdsOf, UNITS } from './units.ts';

/** The data source that the dashboard's variable selects. */
export interface DataSource {
  readonly datasource: common.DataSourceRef;
  readonly queries: readonly Builder<Dataquery>[];
}

export interface PanelOptions {
  /** Before the trace id in the URL of a trace; absent: trace ids are not links. */
  readonly traceUrl?: string | undefined;
}

export function renderPanel(
  panel: Panel,
  source: DataSource,
  gridPos: dashboard.GridPos,
  options: PanelOptions,
): Builder<dashboard.Panel> {
  const builder = builderOf(panel, options);
  return builder
    .id(panel.id)
    .title(panel.title)
    .description(panel.description)
    .datasource(source.datasource)
    .targets([...source.queries])
    .gridPos(gridPos);
}

function builderOf(panel: Panel, options: PanelOptions) {
  switch (panel.kind) {
    case 'stat':
      return statPanel(panel);
    case 'time_series':
      return timeSeriesPanel(panel);
    case 'table':
      return tablePanel(panel, options);
  }
}

function statPanel({ unit, decimals, thresholds }: StatPanel): stat.PanelBuilder {
  const builder = new stat.PanelBuilder()
    .unit(UNITS[unit])
    .thresholds(thresholdsOf(thresholds))
    .noValue('–')
    .colorMode(thresholds === undefined ? common.BigValueColorMode.None : common.BigValueColorMode.Value)
    .graphMode(common.BigValueGraphMode.None)
    .textMode(common.BigValueTextMode.Value)
    .reduceOptions(
      new common.ReduceDataOptionsBuilder()
        .calcs(['lastNotNull'])
        // By default only numbers are shown.
        .fields(unit === 'text' || unit === 'time' ? '/.*/' : ''),
    );
  const shown = decimals ?? DECIMALS[unit];
  return shown === undefined ? builder : builder.decimals(shown);
}

function timeSeriesPanel({ unit, style, thresholds, colors = {}, sql }: TimeSeriesPanel) {
  const isBars = style === 'stacked_bars';
  const builder = new timeseries.PanelBuilder()
    .unit(UNITS[unit])
    .min(0)
    // A point stands for a minute at least.
    .interval('1m')
    .maxDataPoints(300)
    .thresholds(thresholdsOf(thresholds))
    .thresholdsStyle(
      new common.GraphThresholdsStyleConfigBuilder().mode(
        thresholds === undefined
          ? common.GraphThresholdsStyleMode.Off
          : common.GraphThresholdsStyleMode.Dashed,
      ),
    )
    .drawStyle(isBars ? common.GraphDrawStyle.Bars : common.GraphDrawStyle.Line)
    .lineWidth(isBars ? 0 : 2)
    .fillOpacity(isBars ? 80 : 10)
    .showPoints(isBars ? common.VisibilityMode.Never : common.VisibilityMode.Auto)
    .stacking(
      new common.StackingConfigBuilder().mode(isBars ? common.StackingMode.Normal : common.StackingMode.None),
    )
    .legend(
      new common.VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom),
    )
    .tooltip(
      new common.VizTooltipOptionsBuilder()
        .mode(common.TooltipDisplayMode.Multi)
        .sort(common.SortOrder.Descending),
    );
  // Of rows with a series the plugin makes a field each, with the series as its label.
  if (/ AS series\b/.test(sql)) builder.displayName(`\${__field.labels.series}`);
  for (const [series, color] of Object.entries(colors)) {
    builder.overrideByRegexp(`/\\b${series}\\b/`, [
      { id: 'color', value: { mode: 'fixed', fixedColor: color } },
    ]);
  }
  return builder;
}

function tablePanel({ columns }: TablePanel, { traceUrl }: PanelOptions): table.PanelBuilder {
  const builder = new table.PanelBuilder()
    .showHeader(true)
    .cellHeight(common.TableCellHeight.Sm)
    .noValue('–')
    .thresholds(thresholdsOf(undefined));
  for (const column of columns) {
    builder.overrideByName(column.name, columnProperties(column, traceUrl));
  }
  for (const hidden of hiddenColumns(columns)) {
    builder.overrideByName(hidden, [{ id: 'custom.hidden', value: true }]);
  }
  return builder;
}

/** What links take from a row; it is not shown. */
export function hiddenColumns(columns: readonly TableColumn[]): string[] {
  return [...new Set(columns.flatMap(({ link }) => Object.values(link?.set ?? {})))];
}

function columnProperties(column: TableColumn, traceUrl: string | undefined): dashboard.DynamicConfigValue[] {
  const { title, unit, width, thresholds, bar = false, link, trace = false } = column;
  const decimals = DECIMALS[unit];
  const properties: dashboard.DynamicConfigValue[] = [
    { id: 'displayName', value: title },
    { id: 'unit', value: UNITS[unit] },
  ];
  if (decimals !== undefined) properties.push({ id: 'decimals', value: decimals });
  if (width !== undefined) properties.push({ id: 'custom.width', value: width });
  if (unit === 'text') properties.push({ id: 'custom.inspect', value: true });
  if (thresholds !== undefined) {
    properties.push({ id: 'thresholds', value: thresholdsOf(thresholds).build() });
  }
  if (bar) {
    properties.push(
      { id: 'min', value: 0 },
      { id: 'max', value: 1 },
      { id: 'custom.cellOptions', value: { type: 'gauge', mode: 'basic', valueDisplayMode: 'text' } },
    );
  } else if (thresholds !== undefined) {
    properties.push({ id: 'custom.cellOptions', value: { type: 'color-text' } });
  }
  const links = [
    ...(link === undefined ? [] : [{ title: link.title, url: urlOf(link) }]),
    ...(trace && traceUrl !== undefined
      ? [{ title: 'Open the trace', url: `${traceUrl}\${__value.raw}`, targetBlank: true }]
      : []),
  ];
  if (links.length > 0) properties.push({ id: 'links', value: links });
  return properties;
}

/** With the time range, the data source and the variables that both dashboards have. */
function urlOf({ uid, set, keep }: DashboardLink): string {
  const kept = ['datasource', ...keep].map((name) => `\${${name}:queryparam}`);
  const given = Object.entries(set).map(([name, column]) => `var-${name}=\${__data.fields.${column}}`);
  return `/d/${uid}?${[`\${__url_time_range}`, ...kept, ...given].join('&')}`;
}

import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import type { Annotation, Dashboard, Panel, Variable } from '../definitions/definition.ts';
import { clickHouseQuery, DATASOURCE_TYPE } from './clickhouse-query.ts';
import { grafanaSql } from './grafana-sql.ts';
import { type PanelOptions, renderPanel } from './render-panel.ts';

export interface DashboardOptions extends PanelOptions {
  /** Which data source is selected at first; absent: Grafana's default one of the type. */
  readonly datasourceUid?: string | undefined;
}

export const TAG = 'originscope';
const COLUMNS = 24;
/** Rows have ids, too; those of panels stay below. */
const FIRST_ROW_ID = 1000;
const DATASOURCE = { type: DATASOURCE_TYPE, uid: `\${datasource}` };

/** Classic dashboard JSON (schema version 1), which Grafana 11.6 and later provision. */
export function renderDashboard(definition: Dashboard, options: DashboardOptions): dashboard.Dashboard {
  const builder = newDashboard(definition);
  builder.withVariable(datasourceVariable(DATASOURCE_TYPE, 'ClickHouse', options.datasourceUid));
  for (const variable of definition.variables) {
    builder.withVariable(renderVariable(variable, definition.variables));
  }
  for (const annotation of definition.annotations ?? []) {
    builder.annotation(renderAnnotation(annotation, definition.variables));
  }
  const render = (panel: Panel, gridPos: dashboard.GridPos) =>
    renderPanel(
      panel,
      {
        datasource: DATASOURCE,
        queries: [clickHouseQuery(panel.kind, grafanaSql(panel.sql, definition.variables), DATASOURCE)],
      },
      gridPos,
      options,
    );
  addRows(builder, definition.rows, render);
  return builder.build();
}

export function newDashboard({
  uid,
  title,
  question,
  since,
}: Pick<Dashboard, 'uid' | 'title' | 'question' | 'since'>): dashboard.DashboardBuilder {
  return new dashboard.DashboardBuilder(title)
    .uid(uid)
    .description(question)
    .tags([TAG])
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .time({ from: `now-${since}`, to: 'now' })
    .timezone('browser')
    .refresh('5m')
    .link(
      new dashboard.DashboardLinkBuilder('Originscope')
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(true)
        .keepTime(true)
        .includeVars(true),
    );
}

interface AnyPanel {
  readonly width: number;
  readonly height: number;
}

interface AnyRow<Shown extends AnyPanel> {
  readonly title?: string;
  readonly collapsed?: boolean;
  readonly panels: readonly Shown[];
}

/** Puts panels side by side as long as they fit into 24 columns. */
export function addRows<Shown extends AnyPanel>(
  builder: dashboard.DashboardBuilder,
  rows: readonly AnyRow<Shown>[],
  render: (panel: Shown, gridPos: dashboard.GridPos) => ReturnType<typeof renderPanel>,
): void {
  let y = 0;
  rows.forEach(({ title, collapsed = false, panels }, index) => {
    const header =
      title === undefined
        ? undefined
        : new dashboard.RowBuilder(title)
            .id(FIRST_ROW_ID + index)
            .collapsed(collapsed)
            .gridPos({ x: 0, y, w: COLUMNS, h: 1 });
    if (header !== undefined) y++;
    const placed = place(panels, y);
    y = placed.bottom;
    for (const [panel, gridPos] of placed.panels) {
      if (collapsed) header?.withPanel(render(panel, gridPos));
    }
    if (header !== undefined) builder.withRow(header);
    if (!collapsed) for (const [panel, gridPos] of placed.panels) builder.withPanel(render(panel, gridPos));
  });
}

function place<Shown extends AnyPanel>(panels: readonly Shown[], top: number) {
  const placed: [Shown, dashboard.GridPos][] = [];
  let [x, y, height] = [0, top, 0];
  for (const panel of panels) {
    if (x + panel.width > COLUMNS) {
      y += height;
      [x, height] = [0, 0];
    }
    placed.push([panel, { x, y, w: panel.width, h: panel.height }]);
    x += panel.width;
    height = Math.max(height, panel.height);
  }
  return { panels: placed, bottom: y + height };
}

export function datasourceVariable(
  type: string,
  label: string,
  uid: string | undefined,
): dashboard.DatasourceVariableBuilder {
  const builder = new dashboard.DatasourceVariableBuilder('datasource').label(label).type(type);
  return uid === undefined ? builder : builder.current({ text: uid, value: uid });
}

function renderVariable(variable: Variable, all: readonly Variable[]) {
  const { name, label, description } = variable;
  if (variable.kind === 'choice') {
    const [first] = variable.choices;
    return new dashboard.CustomVariableBuilder(name)
      .label(label)
      .description(description)
      .values(variable.choices.map(({ text, value }) => `${text} : ${value}`).join(', '))
      .current({ text: first?.text ?? '', value: String(first?.value ?? 0) })
      .allowCustomValue(false);
  }
  const builder = new dashboard.QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(DATASOURCE)
    .query({
      refId: `variable-${name}`,
      queryType: 'sql',
      editorType: 'sql',
      rawSql: grafanaSql(variable.sql, all),
    })
    .sort(dashboard.VariableSort.Disabled)
    .allowCustomValue(false)
    .multi(variable.multi)
    // Refreshed with the range, Grafana would replace a single selection that the new range does not have.
    .refresh(
      variable.multi
        ? dashboard.VariableRefresh.OnTimeRangeChanged
        : dashboard.VariableRefresh.OnDashboardLoad,
    );
  if (!variable.multi) return builder;
  return builder.includeAll(true).allValue('0').current({ text: 'All', value: '$__all' });
}

function renderAnnotation({ name, color, sql }: Annotation, variables: readonly Variable[]) {
  return new dashboard.AnnotationQueryBuilder()
    .name(name)
    .datasource(DATASOURCE)
    .enable(true)
    .iconColor(color)
    .target(clickHouseQuery('table', grafanaSql(sql, variables), DATASOURCE));
}

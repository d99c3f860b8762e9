import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import type { Panel } from '../definitions/definition.ts';
import type { PROMETHEUS } from '../definitions/prometheus.ts';
import { addRows, datasourceVariable, newDashboard } from './render-dashboard.ts';
import { renderPanel } from './render-panel.ts';

const TYPE = 'prometheus';
const DATASOURCE = { type: TYPE, uid: `\${datasource}` };

export function renderPrometheusDashboard(definition: typeof PROMETHEUS): dashboard.Dashboard {
  const { name, label, description } = definition.variable;
  const builder = newDashboard(definition)
    .withVariable(datasourceVariable(TYPE, 'Prometheus', undefined))
    .withVariable(
      new dashboard.QueryVariableBuilder(name)
        .label(label)
        .description(description)
        .datasource(DATASOURCE)
        .query({
          refId: `variable-${name}`,
          qryType: 1,
          query: `label_values(cors_decisions_total, ${name})`,
        })
        .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
        .sort(dashboard.VariableSort.AlphabeticalAsc)
        .multi(true)
        .includeAll(true)
        .allValue('.*')
        .current({ text: 'All', value: '$__all' }),
    );
  addRows(builder, definition.rows, (panel, gridPos) => {
    const queries = panel.queries.map(({ promql, legend }, index) => {
      const query = new prometheus.DataqueryBuilder()
        .refId(String.fromCharCode('A'.charCodeAt(0) + index))
        .datasource(DATASOURCE)
        .expr(promql)
        .legendFormat(legend);
      return panel.kind === 'stat' ? query.instant() : query.range();
    });
    return renderPanel({ ...panel, sql: '' } as Panel, { datasource: DATASOURCE, queries }, gridPos, {});
  });
  return builder.build();
}

import type { AlertRule } from '../definitions/alert-rules.ts';
import { clickHouseQuery, DATASOURCE_TYPE } from './clickhouse-query.ts';
import { grafanaSql } from './grafana-sql.ts';

/** Grafana's data source of expressions over results. */
const EXPRESSION = { type: '__expr__', uid: '__expr__' };

export interface AlertOptions {
  readonly datasourceUid: string;
  readonly folder: string;
}

/** A file for Grafana's alerting provisioning. Alert rules have no variables, so the data source is named. */
export function renderAlertRules(rules: readonly AlertRule[], { datasourceUid, folder }: AlertOptions) {
  return {
    apiVersion: 1,
    groups: [
      {
        orgId: 1,
        name: 'Originscope',
        folder: withoutVariables(folder),
        interval: '1m',
        rules: rules.map((rule) => renderRule(rule, datasourceUid)),
      },
    ],
  };
}

function renderRule(rule: AlertRule, datasourceUid: string) {
  const { uid, title, summary, description, severity, windowSeconds, sql, above, forSeconds, panel } = rule;
  const relativeTimeRange = { from: windowSeconds, to: 0 };
  const datasource = { type: DATASOURCE_TYPE, uid: datasourceUid };
  return {
    uid,
    title,
    condition: 'C',
    for: `${forSeconds}s`,
    keepFiringFor: '5m',
    // A service without requests has no row, and no problem. A statement that fails is one.
    noDataState: 'OK',
    execErrState: 'Error',
    isPaused: false,
    labels: { severity, source: 'originscope' },
    annotations: {
      summary,
      description,
      __dashboardUid__: panel.uid,
      __panelId__: String(panel.id),
    },
    data: [
      {
        refId: 'A',
        relativeTimeRange,
        datasourceUid: withoutVariables(datasourceUid),
        model: {
          ...clickHouseQuery('table', grafanaSql(sql, []), datasource).build(),
          intervalMs: 60_000,
          maxDataPoints: 1000,
        },
      },
      {
        refId: 'B',
        relativeTimeRange,
        datasourceUid: EXPRESSION.uid,
        model: {
          refId: 'B',
          type: 'reduce',
          datasource: EXPRESSION,
          expression: 'A',
          reducer: 'last',
          settings: { mode: 'dropNN' },
        },
      },
      {
        refId: 'C',
        relativeTimeRange,
        datasourceUid: EXPRESSION.uid,
        model: {
          refId: 'C',
          type: 'threshold',
          datasource: EXPRESSION,
          expression: 'B',
          conditions: [{ evaluator: { type: 'gt', params: [above] } }],
        },
      },
    ],
  };
}

/** Grafana replaces $NAME in provisioning files by its environment; not in queries and annotations. */
export function withoutVariables(text: string): string {
  return text.replaceAll('$', '$$$$');
}

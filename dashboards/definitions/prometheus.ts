import type { StatPanel, TimeSeriesPanel } from './definition.ts';

interface PrometheusQueries {
  readonly queries: readonly { readonly promql: string; readonly legend: string }[];
}

type PrometheusPanel = (Omit<StatPanel, 'sql'> | Omit<TimeSeriesPanel, 'sql'>) & PrometheusQueries;

interface PrometheusDashboard {
  readonly uid: string;
  readonly title: string;
  readonly question: string;
  readonly since: string;
  /** A label of `cors_decisions_total` that can be selected. */
  readonly variable: { readonly name: string; readonly label: string; readonly description: string };
  readonly rows: readonly {
    readonly title?: string;
    readonly collapsed?: boolean;
    readonly panels: readonly PrometheusPanel[];
  }[];
}

const DECISIONS = 'cors_decisions_total{service=~"$service"}';
const decisionsWhere = (matchers: string): string => `cors_decisions_total{service=~"$service",${matchers}}`;
const ratePerMinute = (selector: string, by = ''): string =>
  `sum${by === '' ? '' : ` by (${by})`} (rate(${selector}[$__rate_interval])) * 60`;

/** For those who have only Prometheus: origins, routes and versions are in ClickHouse alone. */
export const PROMETHEUS: PrometheusDashboard = {
  uid: 'originscope-prometheus',
  title: 'Originscope: Prometheus',
  question: 'Which services have blocked requests, and does the pipeline keep up?',
  since: '6h',
  variable: { name: 'service', label: 'Service', description: 'The label service of cors_decisions_total' },
  rows: [
    {
      panels: [
        {
          kind: 'stat',
          id: 1,
          title: 'Blocked share',
          description: 'Share of the decisions of the range that end with the browser blocking the response.',
          width: 6,
          height: 4,
          unit: 'ratio',
          thresholds: { warning: 0.05, critical: 0.2 },
          queries: [
            {
              promql: `sum(increase(${decisionsWhere('verdict="blocked"')}[$__range])) / sum(increase(${DECISIONS}[$__range]))`,
              legend: 'Blocked share',
            },
          ],
        },
        {
          kind: 'stat',
          id: 2,
          title: 'Failed preflights',
          description:
            'Preflights of the range that were blocked: the request that the page wanted was never sent.',
          width: 6,
          height: 4,
          unit: 'count',
          queries: [
            {
              promql: `sum(increase(${decisionsWhere('kind="preflight",verdict="blocked"')}[$__range]))`,
              legend: 'Failed preflights',
            },
          ],
        },
        {
          kind: 'stat',
          id: 3,
          title: 'Messages that wait',
          description:
            'In Kafka, for the consumers. It grows where there are too few, or where ClickHouse is slow.',
          width: 6,
          height: 4,
          unit: 'count',
          thresholds: { warning: 1000, critical: 100_000 },
          queries: [{ promql: 'sum(originscope_consumer_lag_messages)', legend: 'Messages' }],
        },
        {
          kind: 'stat',
          id: 4,
          title: 'Unpublished slots',
          description:
            'Closed slots of ten minutes that nobody has published yet: counts are right, and slower to read.',
          width: 6,
          height: 4,
          unit: 'count',
          thresholds: { warning: 2, critical: 6 },
          queries: [{ promql: 'max(originscope_unpublished_slots)', legend: 'Slots' }],
        },
      ],
    },
    {
      panels: [
        {
          kind: 'time_series',
          id: 5,
          title: 'Decisions by verdict',
          description:
            'Decisions per minute, as the processes wrote them; a redelivered span counts again here.',
          width: 12,
          height: 8,
          unit: 'per_minute',
          style: 'stacked_bars',
          colors: { allowed: 'green', blocked: 'red', unknown: 'yellow' },
          queries: [{ promql: ratePerMinute(DECISIONS, 'verdict'), legend: '{{verdict}}' }],
        },
        {
          kind: 'time_series',
          id: 6,
          title: 'Blocked, by reason',
          description: 'Blocked decisions per minute by the reason for which browsers block.',
          width: 12,
          height: 8,
          unit: 'per_minute',
          style: 'stacked_bars',
          queries: [
            { promql: ratePerMinute(decisionsWhere('verdict="blocked"'), 'reason'), legend: '{{reason}}' },
          ],
        },
        {
          kind: 'time_series',
          id: 7,
          title: 'Blocked share by service',
          description: 'The ten services with the highest share.',
          width: 12,
          height: 8,
          unit: 'ratio',
          style: 'lines',
          thresholds: { warning: 0.05, critical: 0.2 },
          queries: [
            {
              promql: `topk(10, sum by (service) (rate(${decisionsWhere('verdict="blocked"')}[$__rate_interval])) / sum by (service) (rate(${DECISIONS}[$__rate_interval])))`,
              legend: '{{service}}',
            },
          ],
        },
        {
          kind: 'time_series',
          id: 8,
          title: 'Preflights and requests',
          description:
            'Per minute. Preflights that grow without the requests: browsers do not keep the answers any more.',
          width: 12,
          height: 8,
          unit: 'per_minute',
          style: 'lines',
          queries: [
            { promql: ratePerMinute(decisionsWhere('kind!="ambiguous"'), 'kind'), legend: '{{kind}}' },
          ],
        },
      ],
    },
    {
      title: 'Pipeline',
      panels: [
        {
          kind: 'time_series',
          id: 9,
          title: 'Spans received and written',
          description:
            'Per minute, by outcome. Late spans came more than 48 hours after their time and are not counted.',
          width: 12,
          height: 8,
          unit: 'per_minute',
          style: 'lines',
          queries: [
            {
              promql: ratePerMinute('originscope_receiver_spans_total', 'outcome'),
              legend: 'received: {{outcome}}',
            },
            {
              promql: ratePerMinute('originscope_writer_spans_total', 'outcome'),
              legend: 'writer: {{outcome}}',
            },
          ],
        },
        {
          kind: 'time_series',
          id: 10,
          title: 'Rejected, dead letters, lost',
          description: 'Per minute: what did not become decisions, and why.',
          width: 12,
          height: 8,
          unit: 'per_minute',
          style: 'stacked_bars',
          queries: [
            {
              promql: ratePerMinute('originscope_receiver_rejected_spans_total', 'reason'),
              legend: 'rejected: {{reason}}',
            },
            {
              promql: ratePerMinute('originscope_consumer_dead_letters_total', 'reason'),
              legend: 'dead letter: {{reason}}',
            },
            { promql: ratePerMinute('originscope_consumer_lost_messages_total'), legend: 'lost' },
          ],
        },
        {
          kind: 'time_series',
          id: 11,
          title: 'Duration of inserts',
          description: 'Half of the inserts, and 99 % of them, took no longer.',
          width: 12,
          height: 8,
          unit: 'seconds',
          style: 'lines',
          thresholds: { warning: 1, critical: 10 },
          queries: [0.5, 0.99].map((quantile) => ({
            promql: `histogram_quantile(${quantile}, sum by (le) (rate(originscope_writer_insert_seconds_bucket[$__rate_interval])))`,
            legend: `${quantile * 100} %`,
          })),
        },
        {
          kind: 'time_series',
          id: 12,
          title: 'Free disk space',
          description: 'Of the disks of ClickHouse.',
          width: 12,
          height: 8,
          unit: 'ratio',
          style: 'lines',
          thresholds: { warning: 0.2, critical: 0.1, below: true },
          queries: [
            {
              promql: 'min by (disk) (originscope_disk_free_bytes / originscope_disk_total_bytes)',
              legend: '{{disk}}',
            },
          ],
        },
        {
          kind: 'time_series',
          id: 13,
          title: 'Open incidents',
          description: 'Of the analyzer; which ones is in ClickHouse and in its alerts.',
          width: 12,
          height: 8,
          unit: 'count',
          style: 'lines',
          thresholds: { warning: 1, critical: 5 },
          queries: [{ promql: 'max(originscope_analyzer_open_incidents)', legend: 'Open incidents' }],
        },
        {
          kind: 'time_series',
          id: 14,
          title: 'Analyzer lag',
          description:
            'Since the end of the last analyzed minute. It settles near a minute; when it grows, nothing is detected.',
          width: 12,
          height: 8,
          unit: 'seconds',
          style: 'lines',
          thresholds: { warning: 300, critical: 600 },
          queries: [{ promql: 'min(originscope_analyzer_lag_seconds)', legend: 'Lag' }],
        },
      ],
    },
  ],
};

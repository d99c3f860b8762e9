import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createAlerting } from '../../analyzer/alerting/alerting.ts';
import { alertingMetrics } from '../../analyzer/alerting/alerting-metrics.ts';
import { noAnalyzerCounters } from '../../analyzer/analyzer.ts';
import { analyzerMetrics } from '../../analyzer/analyzer-metrics.ts';
import { writeMetrics, writerMetrics } from '../../collector/ingest/write-metrics.ts';
import { noConsumerCounts } from '../../collector/kafka/consuming/consumer-counters.ts';
import { consumerMetrics } from '../../collector/kafka/consuming/consumer-metrics.ts';
import { producerMetrics } from '../../collector/kafka/producing/producer-metrics.ts';
import { noReceiverCounts } from '../../collector/otlp/counters.ts';
import { receiverMetrics } from '../../collector/otlp/receiver-metrics.ts';
import { publicationMetrics } from '../../collector/publication/publication-metrics.ts';
import { markdownTable } from './markdown-table.ts';

interface MetricGroup {
  readonly title: string;
  readonly commands: readonly string[];
  register(registry: Registry): void;
}

const noCounts = { inserts: 0, retries: 0, written: 0, refused: 0, failed: 0, overloaded: 0 };

const GROUPS: readonly MetricGroup[] = [
  {
    title: 'Receiver',
    commands: ['up', 'receive'],
    register: (registry) => receiverMetrics(registry, noReceiverCounts()),
  },
  {
    title: 'Kafka producer',
    commands: ['receive'],
    register: (registry) => producerMetrics(registry, noCounts),
  },
  {
    title: 'Kafka consumer',
    commands: ['consume'],
    register: (registry) => consumerMetrics(registry, noConsumerCounts()),
  },
  {
    title: 'Writer',
    commands: ['up', 'consume'],
    register(registry) {
      writerMetrics(registry, () => ({ ...noCounts, late: 0, ahead: 0 }));
      writeMetrics(registry, { disks: [], isFailing: false });
    },
  },
  {
    title: 'Publication',
    commands: ['up', 'consume'],
    register: (registry) =>
      publicationMetrics(registry, { query: () => Promise.reject(new Error('never read')) }, Date.now),
  },
  {
    title: 'Analyzer',
    commands: ['up', 'analyze'],
    register: (registry) => analyzerMetrics(registry, noAnalyzerCounters()),
  },
  {
    title: 'Alerting',
    commands: ['up', 'analyze'],
    register: (registry) =>
      alertingMetrics(registry, createAlerting({ alertmanagers: [], log: pino({ enabled: false }) })),
  },
];

/** docs/reference/metrics.md, made of the metrics as processes register them. */
export function metricsDocument(): string {
  const sections = GROUPS.map(({ title, commands, register }) => {
    const registry = new Registry();
    register(registry);
    const rows = registry
      .getMetricsAsArray()
      .map((metric) => [`\`${metric.name}\``, typeOf(metric), labelsOf(metric), metric.help]);
    return [
      `## ${title}`,
      `Of ${commands.map((command) => `\`originscope ${command}\``).join(' and ')}.`,
      markdownTable(['metric', 'type', 'labels', 'meaning'], rows),
    ].join('\n\n');
  });
  return `${[INTRODUCTION, ...sections].join('\n\n')}\n`;
}

const INTRODUCTION = `# Metrics

Every long-running process serves these metrics at \`/metrics\`, in the text format of Prometheus, beside the usual ones of a Node.js process (\`process_…\`, \`nodejs_…\`). [Monitoring](../operations.md#monitoring) says how they are scraped, and when to alert.`;

const typeOf = ({ type }: { readonly type: unknown }): string => String(type);

function labelsOf(metric: object): string {
  const names = 'labelNames' in metric && Array.isArray(metric.labelNames) ? metric.labelNames : [];
  return names.map((name) => `\`${name}\``).join(', ');
}

import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/** A registry with the default metrics of every process: memory, CPU, event loop. */
export function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/**
 * Metrics that are read at scrape time: other folders keep plain counters and do not depend on Prometheus.
 */

export function counter(registry: Registry, name: string, help: string, read: () => number): void {
  const metric: Counter = new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      metric.reset();
      metric.inc(read());
    },
  });
}

/** One series for each key, in snake case as the label's value. */
export function counters(
  registry: Registry,
  name: string,
  help: string,
  label: string,
  read: () => Readonly<Record<string, number>>,
): void {
  const metric: Counter = new Counter({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      metric.reset();
      for (const [key, value] of Object.entries(read())) metric.inc({ [label]: snakeCase(key) }, value);
    },
  });
}

export function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  const metric: Gauge = new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      metric.set(read());
    },
  });
}

/** `tooLarge` → `too_large`, `OTLP_MALFORMED` → `otlp_malformed`. */
const snakeCase = (key: string): string => key.replaceAll(/(?<=[a-z])[A-Z]/g, '_$&').toLowerCase();

import type { Command } from 'commander';
import type { CommandName } from './command-names.ts';

interface CommandEntry {
  readonly description: string;
  /** Loads the command and adds its options and its action. */
  readonly define: (command: Command) => Promise<Command>;
}

/** Every command; `--help` shows them in this order. */
export const COMMANDS: Readonly<Record<CommandName, CommandEntry>> = {
  up: {
    description: 'run everything in one process: receive OTLP, store it and publish usage',
    define: async (command) => (await import('./up.ts')).up(command),
  },
  report: {
    description:
      'show by service what browsers do with its responses: which origins are blocked, why, and what to change',
    define: async (command) => (await import('./report.ts')).report(command),
  },
  verify: {
    description: 'check the consistency of the database and list violations; read-only',
    define: async (command) => (await import('./verify.ts')).verify(command),
  },
  incidents: {
    description: 'list, show, accept or dismiss what the analyzer found',
    define: async (command) => (await import('./incidents.ts')).incidents(command),
  },
  backtest: {
    description: 'show the incidents the analyzer would have raised in a recorded period; writes nothing',
    define: async (command) => (await import('./backtest.ts')).backtest(command),
  },
  analyze: {
    description: 'analyze each minute once it has settled, and alert; "originscope up" includes it',
    define: async (command) => (await import('./analyze.ts')).analyze(command),
  },
  import: {
    description:
      'import decision spans from files of OTLP JSON lines, as written by the OpenTelemetry Collector',
    define: async (command) => (await import('./import.ts')).importSpans(command),
  },
  explain: {
    description: 'explain what a browser does with recorded requests, why, and which header to change',
    define: async (command) => (await import('./explain.ts')).explain(command),
  },
  probe: {
    description:
      'send the requests a browser would send for a page of an origin, and say what the browser would do',
    define: async (command) => (await import('./probe.ts')).probe(command),
  },
  receive: {
    description: 'receive OTLP and write it to Kafka',
    define: async (command) => (await import('./receive.ts')).receive(command),
  },
  consume: {
    description: 'consume OTLP from Kafka, write it to a ClickHouse server and publish usage',
    define: async (command) => (await import('./consume.ts')).consume(command),
  },
  'dead-letters': {
    description: 'list and replay messages that could not be stored',
    define: async (command) => (await import('./dead-letters.ts')).deadLetters(command),
  },
  rebuild: {
    description: 'rebuild the usage of a period from the topic, and say what that replaces',
    define: async (command) => (await import('./rebuild.ts')).rebuild(command),
  },
  dashboards: {
    description: 'write dashboards and alert rules for a Grafana',
    define: async (command) => (await import('./dashboards.ts')).dashboards(command),
  },
  migrate: {
    description: 'update schema and retention of a ClickHouse server or cluster',
    define: async (command) => (await import('./migrate.ts')).migrate(command),
  },
  topics: {
    description: 'create the Kafka topics, or compare them with what is expected',
    define: async (command) => (await import('./topics.ts')).topics(command),
  },
  config: {
    description: 'print the effective configuration and where each value comes from; secrets are not shown',
    define: async (command) => (await import('./config.ts')).config(command),
  },
  demo: {
    description: 'run three services with a dozen origins for 20 seconds, show the report, and check it',
    define: async (command) => (await import('./demo.ts')).demo(command),
  },
};

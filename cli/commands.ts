import type { Command } from 'commander';

interface CommandEntry {
  readonly description: string;
  /** Gives the command its options and its action, and loads what it needs for them. */
  readonly define: (command: Command) => Promise<Command>;
}

/** Every command, in the order of `--help`. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  up: {
    description: 'receive OTLP, write and publish, in one process',
    define: async (command) => (await import('./up.ts')).up(command),
  },
  report: {
    description: 'what browsers did with the answers, by service: who was refused, why, and what to change',
    define: async (command) => (await import('./report.ts')).report(command),
  },
  verify: {
    description: 'check that the database holds what it promises, and say what does not hold; it only reads',
    define: async (command) => (await import('./verify.ts')).verify(command),
  },
  import: {
    description:
      'take decision spans from files of OTLP JSON lines, as the OpenTelemetry Collector writes them',
    define: async (command) => (await import('./import.ts')).importSpans(command),
  },
  explain: {
    description: 'what a browser does with recorded requests, why, and which header to change',
    define: async (command) => (await import('./explain.ts')).explain(command),
  },
  probe: {
    description:
      'ask a server as a browser would for a page of this origin, and say what the browser would do',
    define: async (command) => (await import('./probe.ts')).probe(command),
  },
  receive: {
    description: 'receive OTLP and write it to Kafka',
    define: async (command) => (await import('./receive.ts')).receive(command),
  },
  consume: {
    description: 'take OTLP from Kafka, write to a ClickHouse server and publish',
    define: async (command) => (await import('./consume.ts')).consume(command),
  },
  'dead-letters': {
    description: 'messages that could not be stored: which, why, and sending them again',
    define: async (command) => (await import('./dead-letters.ts')).deadLetters(command),
  },
  rebuild: {
    description: 'read the topic again, and make the slots of a time anew; says what that replaces',
    define: async (command) => (await import('./rebuild.ts')).rebuild(command),
  },
  migrate: {
    description: 'bring the schema and the retention of a ClickHouse server or cluster up to date',
    define: async (command) => (await import('./migrate.ts')).migrate(command),
  },
  topics: {
    description: 'the Kafka topics: what they are, and what they should be',
    define: async (command) => (await import('./topics.ts')).topics(command),
  },
  config: {
    description: 'print the effective configuration and where each value comes from; secrets are not shown',
    define: async (command) => (await import('./config.ts')).config(command),
  },
  demo: {
    description: 'three services, a dozen origins, 20 seconds of traffic, the report, and a check of itself',
    define: async (command) => (await import('./demo.ts')).demo(command),
  },
};

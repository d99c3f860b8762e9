#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { OriginscopeError } from '../core/errors.ts';
import metadata from '../package.json' with { type: 'json' };
import { analyze } from './analyze.ts';
import { backtest } from './backtest.ts';
import { config } from './config.ts';
import { consume } from './consume.ts';
import { deadLetters } from './dead-letters.ts';
import { demo } from './demo.ts';
import { explain } from './explain.ts';
import { importSpans } from './import.ts';
import { incidents } from './incidents.ts';
import { migrate } from './migrate.ts';
import { probe } from './probe.ts';
import { rebuild } from './rebuild.ts';
import { receive } from './receive.ts';
import { report } from './report.ts';
import { topics } from './topics.ts';
import { up } from './up.ts';
import { verify } from './verify.ts';

const program = new Command('originscope')
  .description('The observability pipeline for cross-origin traffic')
  .version(metadata.version)
  .showSuggestionAfterError()
  .addCommand(up())
  .addCommand(report())
  .addCommand(verify())
  .addCommand(incidents())
  .addCommand(backtest())
  .addCommand(analyze())
  .addCommand(importSpans())
  .addCommand(explain())
  .addCommand(probe())
  .addCommand(receive())
  .addCommand(consume())
  .addCommand(deadLetters())
  .addCommand(rebuild())
  .addCommand(migrate())
  .addCommand(topics())
  .addCommand(config())
  .addCommand(demo());

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode);
  if (!(error instanceof OriginscopeError)) throw error;
  console.error(`originscope: ${error.message}\n  ${error.remedy}`);
  // Whatever was open is closed by now, or is what failed.
  process.exit(1);
}

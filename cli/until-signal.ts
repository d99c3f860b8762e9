import { counted } from '../core/counted.ts';

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once, as by default. */
export function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

/** The last line for people: what became of the spans or messages of this process. */
export function printStopped(
  noun: string,
  counters: Readonly<Record<'written' | 'refused' | 'failed', number>> | undefined,
): void {
  const { written = 0, refused = 0, failed = 0 } = counters ?? {};
  const problems = [
    ...(failed > 0 ? [`${counted(failed, noun)} could not be written`] : []),
    ...(refused > 0 ? [`${counted(refused, noun)} rejected`] : []),
  ];
  console.log(`Stopped. ${[`${counted(written, noun)} written`, ...problems].join(', ')}.`);
}

/**
 * Ends a process that used Kafka once everything is closed: a connection that kafkajs was opening when its
 * broker went away can stay open, and would keep the process alive as long as the broker.
 */
export function exitProcess(): never {
  process.exit();
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once, as by default. */
export function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

/**
 * Ends a process that used Kafka once everything is closed: a connection that kafkajs was opening when its
 * broker went away can stay open, and would keep the process alive as long as the broker.
 */
export function exitProcess(): never {
  process.exit();
}

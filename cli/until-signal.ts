/** The first SIGINT or SIGTERM; a second one ends the process at once, as the shell would. */
export function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

/**
 * Ends a process that spoke to Kafka, when everything is closed: a connection that kafkajs was making when its
 * broker went away can be left open, and would keep the process for as long as the broker lives.
 */
export function leave(): never {
  process.exit();
}

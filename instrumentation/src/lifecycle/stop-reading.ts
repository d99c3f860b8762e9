/** What Node keeps of a socket: its handle stops at once, where `pause` waits for what was read ahead. */
interface Reading {
  readonly _handle?: { readStop?(): void } | null;
}

/**
 * Stops reading from all connections of a worker thread that is about to be ended. Node still parses what has
 * arrived there afterwards, and even calls the server's request handlers: what these answer could not be reported.
 */
export function stopReading(): void {
  const { _getActiveHandles: getActiveHandles } = process as { _getActiveHandles?: () => Reading[] };
  for (const { _handle: handle } of getActiveHandles?.call(process) ?? []) {
    try {
      handle?.readStop?.();
    } catch {
      // It is closed already.
    }
  }
}

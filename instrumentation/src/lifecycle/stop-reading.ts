/** Node's handle of a socket. It stops immediately, whereas `pause` waits for data that was read ahead. */
interface Reading {
  readonly _handle?: { readStop?(): void } | null;
}

/**
 * Stops reading from all connections of a worker thread that is about to be terminated. Otherwise Node
 * would still parse received data and call request handlers, whose decisions could not be reported.
 */
export function stopReading(): void {
  const { _getActiveHandles: getActiveHandles } = process as { _getActiveHandles?: () => Reading[] };
  for (const { _handle: handle } of getActiveHandles?.call(process) ?? []) {
    try {
      handle?.readStop?.();
    } catch {
      // Already closed.
    }
  }
}

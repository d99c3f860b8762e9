/** Repeats the work until stopped; aborts its signal with the first error. */
export function heartbeatLoop(
  everyMillis: number,
  work: () => Promise<void>,
): { signal: AbortSignal; stop(): void } {
  const failed = new AbortController();
  let timer: NodeJS.Timeout;
  let isStopped = false;
  const next = (): void => {
    timer = setTimeout(() => {
      work().then(
        () => !isStopped && next(),
        (error) => failed.abort(error),
      );
    }, everyMillis);
  };
  next();
  return {
    signal: failed.signal,
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

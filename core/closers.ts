/** What has to be closed at the end, in the reverse order in which it was opened. */
export interface Closers {
  add(close: () => unknown): void;
  /**
   * Runs every closer, also after one that failed. Safe to call twice.
   *
   * @throws the first error, when all have run
   */
  close(): Promise<void>;
}

export function createClosers(): Closers {
  const closers: (() => unknown)[] = [];
  let closing: Promise<void> | undefined;

  async function closeAll(): Promise<void> {
    const errors: unknown[] = [];
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  return {
    add: (close) => void closers.push(close),
    close() {
      closing ??= closeAll();
      return closing;
    },
  };
}

/**
 * Opens several things one after the other; if one fails, those that are open are closed.
 *
 * @throws the error of `open`
 */
export async function opening<Result>(open: (closers: Closers) => Promise<Result>): Promise<Result> {
  const closers = createClosers();
  try {
    return await open(closers);
  } catch (error) {
    // The first error is the one that says what is wrong.
    await closers.close().catch(() => undefined);
    throw error;
  }
}

import { log } from './log.ts';

/** Wraps a function so that it never throws: an error is logged once and `otherwise` is returned. */
export function guard<Args extends unknown[], Result>(
  what: string,
  run: (...args: Args) => Result,
  otherwise: NoInfer<Result>,
): (...args: Args) => Result {
  let isLogged = false;
  return (...args) => {
    try {
      return requireSync(run(...args));
    } catch (error) {
      if (!isLogged) {
        isLogged = true;
        log(
          'error',
          `${what} failed; the request continues, and further failures of this kind are not logged`,
          error,
        );
      }
      return otherwise;
    }
  };
}

/** Rejects a promise as a result: nothing would await it or handle its rejection. */
export function requireSync<Result>(result: Result): Result {
  if (result instanceof Promise) {
    result.catch(() => {});
    throw new TypeError('it returned a promise, but must return synchronously');
  }
  return result;
}

import { log } from './log.ts';

/**
 * Makes a function that cannot break its caller: what it throws is logged once, and `otherwise` returned.
 */
export function guard<Args extends unknown[], Result>(
  what: string,
  run: (...args: Args) => Result,
  otherwise: NoInfer<Result>,
): (...args: Args) => Result {
  let isLogged = false;
  return (...args) => {
    try {
      return atOnce(run(...args));
    } catch (error) {
      if (!isLogged) {
        isLogged = true;
        log('error', `${what} failed; the request goes on, and further failures of it are not logged`, error);
      }
      return otherwise;
    }
  };
}

/** Refuses an answer that is a promise: nobody would wait for it, nor hear of its rejection. */
export function atOnce<Result>(result: Result): Result {
  if (result instanceof Promise) {
    result.catch(() => {});
    throw new TypeError('it returned a promise, but has to answer at once');
  }
  return result;
}

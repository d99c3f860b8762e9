const MAX_ENTRIES = 32;
const MAX_LENGTH = 512;

/**
 * Memoizes a function of a string: servers see the same few strings over and over. Bounded, because clients
 * can send arbitrary ones.
 */
export function memoize<Result>(read: (text: string) => Result): (text: string) => Result {
  const known = new Map<string, Result>();
  let last: string | undefined;
  let lastResult: Result;
  return (text) => {
    // Often it is the previous one, and a comparison is cheaper than a lookup.
    if (text === last) return lastResult;
    const before = known.get(text);
    const result = before === undefined ? read(text) : before;
    if (text.length > MAX_LENGTH) return result;
    if (before === undefined) {
      if (known.size >= MAX_ENTRIES) known.clear();
      known.set(text, result);
    }
    last = text;
    lastResult = result;
    return result;
  };
}

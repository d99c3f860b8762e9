const MOST = 32;
const LONGEST = 512;

/**
 * The same function of a text, which remembers its last results: servers see the same few texts over and over.
 * Bounded, because anybody may send others.
 */
export function remembering<Result>(read: (text: string) => Result): (text: string) => Result {
  const known = new Map<string, Result>();
  let last: string | undefined;
  let lastResult: Result;
  return (text) => {
    // Often it is the one of just before, and to compare is cheaper than to look up.
    if (text === last) return lastResult;
    const before = known.get(text);
    const result = before === undefined ? read(text) : before;
    if (text.length > LONGEST) return result;
    if (before === undefined) {
      if (known.size >= MOST) known.clear();
      known.set(text, result);
    }
    last = text;
    lastResult = result;
    return result;
  };
}

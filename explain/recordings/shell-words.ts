/**
 * Splits a command line as written by DevTools for `sh` (single, double and `$'…'` quotes, backslashes) or
 * for `cmd` (carets before special characters). Nothing is expanded.
 */
export function shellWords(text: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (const [part, raw, ansi, double, escaped, space] of withoutCarets(text).matchAll(PARTS)) {
    if (space !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (part !== '\\\n' && part !== '\\\r\n') {
      word =
        (word ?? '') +
        (raw ?? unescapeAnsi(ansi) ?? double?.replace(/\\([\\"$`])/g, '$1') ?? escaped ?? part);
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

/**
 * The alternatives begin with different characters, and those within quotes exclude each other: no
 * backtracking.
 */
const PARTS =
  /'([^']*)'|\$'((?:[^'\\]|\\[\s\S])*)'|"((?:[^"\\]|\\[\s\S])*)"|\\\r?\n|\\([\s\S])|(\s+)|[^\s'"\\$]+|[\s\S]/g;

function withoutCarets(text: string): string {
  return text.includes('^"') ? text.replace(/\^\r?\n/g, ' ').replace(/\^([\s\S])/g, '$1') : text;
}

const ANSI: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

function unescapeAnsi(text: string | undefined): string | undefined {
  return text?.replace(/\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([\s\S]))/g, (_, unicode, byte, char) =>
    char === undefined ? String.fromCharCode(Number.parseInt(unicode ?? byte, 16)) : (ANSI[char] ?? char),
  );
}

/**
 * Control characters (C0, DEL, C1) and those that reorder or break lines: a terminal, a log or a page that
 * shows a sender's text must show text and nothing else. Under the `u` flag `\p{Cs}` is a lone surrogate.
 */
export const UNSAFE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const REPLACEMENT = '\ufffd';

/** Printable ASCII, which nearly all text is, and which is many times faster to recognise. */
const PLAIN = /^[ -~]*$/;

/** The text with unsafe characters and lone surrogates replaced by U+FFFD. */
export const cleaned = (text: string): string =>
  PLAIN.test(text) ? text : text.replace(UNSAFE, REPLACEMENT);

/** At most `limit` UTF-16 code units of the text; a surrogate pair is never split. */
export function bounded(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const last = text.charCodeAt(limit - 1);
  const splits = last >= 0xd800 && last <= 0xdbff;
  // A slice keeps the whole text alive in V8; a round trip over bytes makes a copy of its own.
  return Buffer.from(text.slice(0, splits ? limit - 1 : limit)).toString();
}

/** The text in lower case when it is `digits` hexadecimal digits, else empty. */
export function hexadecimal(text: string, digits: number): string {
  if (text.length !== digits) return '';
  let upper = false;
  for (let at = 0; at < digits; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x41 && code <= 0x46) upper = true;
    else if (!((code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66))) return '';
  }
  return upper ? text.toLowerCase() : text;
}

/** UTF-16 code units that are read of any text. Header lists are long, and a cut one would be judged wrongly. */
export const TEXT_LIMIT = 8192;

/** The values of a header that was sent several times, as one (Fetch §2.2.2 "get"); empty when all are. */
export function joinedText(values: readonly string[]): string {
  return values.every((value) => value === '') ? '' : bounded(values.join(', '), TEXT_LIMIT);
}

import { messageOf } from './errors.ts';

/**
 * Characters that are not text: controls, format characters (invisible ones, and those that reorder text), private
 * use, line and paragraph separators, and under the `u` flag lone surrogates. They move a terminal's cursor, forge
 * lines of a log, or make two different names look the same.
 */
export const UNSAFE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;
const REPLACEMENT = '\ufffd';

/** Printable ASCII, which nearly all text is, and which is many times faster to recognise. */
const PLAIN = /^[ -~]*$/;

/**
 * Foreign text as it may be stored and shown: unsafe characters are replaced by U+FFFD. This is the rule of
 * everything but the instrumentation, which escapes whatever is not printable ASCII (clean-text.ts).
 */
export const cleaned = (text: string): string =>
  PLAIN.test(text) ? text : text.replace(UNSAFE, REPLACEMENT);

/** The message of whatever was thrown as it may be stored and shown: it may quote what strangers sent. */
export function printableMessage(error: unknown, limit = 300): string {
  return bounded(cleaned(messageOf(error).trim()), limit);
}

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

/** The values of a header that was sent several times, as one (https://fetch.spec.whatwg.org/#concept-header-list-get); empty when all are. */
export function joinedText(values: readonly string[]): string {
  return values.every((value) => value === '') ? '' : bounded(values.join(', '), TEXT_LIMIT);
}

/**
 * Makes untrusted text safe to store and display: printable ASCII is kept, everything else (control
 * characters, terminal escapes, newlines, bidirectional marks, lone surrogates) is escaped as `\xNN` or
 * `\uNNNN`, and the result is truncated to `maxLength` characters. Idempotent.
 */
export function cleanText(text: string, maxLength = 256): string {
  const length = Math.min(text.length, maxLength);
  for (let i = 0; i < length; i++) {
    if (!isPrintable(text.charCodeAt(i))) return escapeText(text.slice(0, maxLength)).slice(0, maxLength);
  }
  return text.length > maxLength ? text.slice(0, maxLength) : text;
}

function escapeText(text: string): string {
  let clean = '';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isPrintable(code)) clean += text[i];
    else if (code < 0x100) clean += `\\x${code.toString(16).padStart(2, '0')}`;
    else clean += `\\u${code.toString(16).padStart(4, '0')}`;
  }
  return clean;
}

function isPrintable(code: number): boolean {
  return code >= 0x20 && code <= 0x7e;
}

/**
 * Text from a stranger, fit to be kept and shown: printable ASCII as it is, everything else (control
 * characters, terminal escapes, newlines, bidirectional marks, half surrogates) escaped as `\xNN` or `\uNNNN`,
 * cut to `maxLength` characters. Clean text comes back unchanged.
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

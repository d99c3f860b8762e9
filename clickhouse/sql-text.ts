/** Literals in SQL where parameters are not allowed: definitions, and statements that are printed. */

export function literal(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
}

export function identifier(name: string): string {
  return `\`${name.replaceAll(/[\\`]/g, '\\$&')}\``;
}

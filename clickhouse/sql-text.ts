/** Literals in SQL where parameters are not allowed: definitions, and statements that are printed. */

export function literal(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
}

export function identifier(name: string): string {
  return `\`${name.replaceAll(/[\\`]/g, '\\$&')}\``;
}

/** The time at which a run of the publisher began, from its column `run`. Part of released schema steps. */
export const RUN_START = `fromUnixTimestamp64Micro(toInt64(intDiv(run, 1024)), 'UTC')`;

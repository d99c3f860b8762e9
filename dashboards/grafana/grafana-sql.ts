import type { Variable } from '../definitions/definition.ts';

const PARAMETER = /\{(\w+):[^{}]+\}/g;

/** Of the data source plugin, expanded by its backend: they work in alert rules, too. */
const MACROS: Readonly<Record<string, string>> = {
  from: `toTimeZone($__fromTime, 'UTC')`,
  to: `toTimeZone($__toTime, 'UTC')`,
  interval: '$__interval_s',
};

/**
 * A statement with macros and template variables of Grafana in place of its parameters. Grafana pastes the values of
 * variables into the statement as they are: those of query variables are hashes, digits only.
 *
 * @param variables that the statement may refer to
 */
export function grafanaSql(sql: string, variables: readonly Variable[]): string {
  const kinds = new Map(variables.map(({ name, kind }) => [name, kind]));
  return sql.replaceAll(PARAMETER, (parameter, name: string) => {
    const macro = MACROS[name];
    if (macro !== undefined) return macro;
    switch (kinds.get(name)) {
      case 'query':
        return `CAST([\${${name}:csv}], 'Array(UInt64)')`;
      case 'choice':
        return `toFloat64(\${${name}:csv})`;
      default:
        throw new Error(`${parameter} is neither a macro nor a variable of the dashboard`);
    }
  });
}

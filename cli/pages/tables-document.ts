import { COLUMN_DESCRIPTIONS, TABLE_DESCRIPTIONS, VIEW_DESCRIPTIONS } from '../../clickhouse/descriptions.ts';
import { markdownTable } from './markdown-table.ts';

/** A column of the database, in the order of `system.columns`. */
export interface DatabaseColumn {
  readonly table: string;
  readonly name: string;
  readonly type: string;
}

/**
 * docs/reference/tables.md, made of what the database has and of the descriptions.
 *
 * @throws Error when a table, view or column has no description, or a description nothing that it describes
 */
export function tablesDocument(columns: readonly DatabaseColumn[]): string {
  const described = { ...VIEW_DESCRIPTIONS, ...TABLE_DESCRIPTIONS };
  const found = new Set(columns.map(({ table }) => table));
  const wrong = [
    ...[...found].filter((table) => !(table in described)),
    ...Object.keys(described).filter((table) => !found.has(table)),
    ...Object.keys(COLUMN_DESCRIPTIONS).filter((name) => !columns.some((column) => column.name === name)),
  ];
  if (wrong.length > 0)
    throw new Error(`to describe in clickhouse/descriptions.ts, or not: ${wrong.join(', ')}`);
  const section = (table: string): string => {
    const { meaning = '', columns: own = {} } = described[table] ?? {};
    const rows = columns
      .filter((column) => column.table === table)
      .map(({ name, type }) => [`\`${name}\``, `\`${type}\``, own[name] ?? meaningOf(table, name)]);
    return [`### \`${table}\``, meaning, markdownTable(['column', 'type', 'meaning'], rows)].join('\n\n');
  };
  return `${[
    INTRODUCTION,
    '## Views for readers',
    ...Object.keys(VIEW_DESCRIPTIONS).map(section),
    '## Tables',
    'Their rows may be superseded by a newer run or derivation: read the views instead.',
    ...Object.keys(TABLE_DESCRIPTIONS).map(section),
  ].join('\n\n')}\n`;
}

const INTRODUCTION = `# Tables and views

What the database holds, embedded or on a server. Query the views: they count each decision once, however it is stored. All times are UTC. Views are part of the interface; tables may change with a version ([the statements](../../clickhouse/reviewed/single-server.sql)).

The blocked decisions of the last hour, by origin:

\`\`\`sql
SELECT service, origin, reason, sum(decisions) AS blocked
FROM origin_usage
WHERE minute >= now() - INTERVAL 1 HOUR AND verdict = 'blocked' AND outermost
GROUP BY service, origin, reason
ORDER BY blocked DESC
\`\`\``;

function meaningOf(table: string, column: string): string {
  const meaning = COLUMN_DESCRIPTIONS[column];
  if (meaning === undefined) throw new Error(`describe ${table}.${column} in clickhouse/descriptions.ts`);
  return meaning;
}

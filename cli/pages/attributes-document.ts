import {
  ATTRIBUTES,
  OBSERVED,
  SCHEMA_URL,
  SCOPE_NAME,
  SPAN_NAME_PREFLIGHT,
  SPAN_NAME_REQUEST,
} from '../../instrumentation/src/attributes.ts';
import { BLOCKED_REASONS, UNKNOWN_REASONS } from '../../instrumentation/src/fetch-standard/decision.ts';
import { markdownTable } from './markdown-table.ts';

/** docs/reference/attributes.md, made of the table of attributes. */
export function attributesDocument(): string {
  const rows = Object.entries(ATTRIBUTES).map(([name, { type, description }]) => [
    `\`${name}\``,
    type,
    description,
  ]);
  return `${[
    '# Attributes',
    `A decision span has the instrumentation scope \`${SCOPE_NAME}\`, the schema URL \`${SCHEMA_URL}\` and the name \`${SPAN_NAME_PREFLIGHT}\` or \`${SPAN_NAME_REQUEST}\`. Its attributes are`,
    markdownTable(['attribute', 'type', 'description'], rows),
    `\`cors.reason\` is one of ${list(BLOCKED_REASONS)} when the verdict is \`blocked\`, and of ${list(UNKNOWN_REASONS)} when it is \`unknown\`. [Reasons](../reasons.md) explains each.`,
    `## On the server span of the request`,
    `The HTTP server span of the same request, if there is one, gets \`${OBSERVED}\` = true, \`cors.kind\`, \`cors.verdict\` and \`cors.reason\`. Spans with \`${OBSERVED}\` are not counted again.`,
  ].join('\n\n')}\n`;
}

const list = (names: readonly string[]): string =>
  names.map((name) => `[\`${name}\`](../reasons.md#${name})`).join(', ');

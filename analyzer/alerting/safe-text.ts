import { bounded, cleaned } from '../../core/text.ts';

/**
 * What the systems behind Alertmanager read as more than text: HTML tags and Slack's `<!channel>` and
 * `<https://…|…>`, Markdown links, mentions of everybody, and the delimiters of Go's and other templates.
 */
const MARKUP: readonly (readonly [RegExp, string])[] = [
  [/<(?=[!@#/?a-z])/gi, '‹'],
  [/\]\(/g, '] ('],
  [/@(?=here|channel|everyone|all)/gi, '＠'],
  [/\{(?=[{%])/g, '{ '],
];

/**
 * Text from requests or telemetry as it may stand in an alert: on one line, without control or invisible characters,
 * without anything that a terminal, a template or a chat would interpret, and at most `limit` characters.
 */
export function safeText(text: string, limit: number): string {
  // Bounded first, so that hostile lengths cost nothing; what is replaced then adds at most a character each.
  let safe = cleaned(bounded(text, limit));
  for (const [pattern, replacement] of MARKUP) safe = safe.replace(pattern, replacement);
  return text.length > limit ? `${bounded(safe, limit - 1)}…` : bounded(safe, limit);
}

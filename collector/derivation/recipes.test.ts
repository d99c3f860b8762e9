import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { REQUEST_HEADER_KEYS, RESPONSE_HEADER_KEYS } from './http-attributes.ts';

const RECIPES = join(import.meta.dirname, '../../docs/recipes');
/** Ours needs none, and the Collector's is about the way, not the source. */
const pages = readdirSync(RECIPES).filter((name) => !['node.md', 'collector.md'].includes(name));
const read = (name: string): string => readFileSync(join(RECIPES, name), 'utf8').toLowerCase();

/** A cookie's value is secret: each page says on its own what to do about it. */
const headers = [...REQUEST_HEADER_KEYS, ...RESPONSE_HEADER_KEYS]
  .map(({ name }) => name)
  .filter((name) => name !== 'cookie');

describe('who follows a recipe may declare that all headers are captured', () => {
  test.each(pages)('%s names every header that the rules read', (page) => {
    const text = read(page);
    expect(headers.filter((name) => !new RegExp(`(?<![a-z-])${name}(?![a-z-])`).test(text))).toEqual([]);
    expect(text).toContain('originscope.headers_captured');
  });
});

test('the links between recipes lead somewhere', () => {
  for (const page of readdirSync(RECIPES)) {
    for (const [, target = ''] of read(page).matchAll(/\]\(([a-z-]+\.md)(?:#[a-z-]+)?\)/g)) {
      expect(
        readdirSync(RECIPES).map((name) => name.toLowerCase()),
        `${page} → ${target}`,
      ).toContain(target);
    }
  }
});

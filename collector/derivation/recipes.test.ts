import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { REQUEST_HEADER_KEYS, RESPONSE_HEADER_KEYS } from './http-attributes.ts';

const RECIPES = join(import.meta.dirname, '../../docs/recipes');
/** node.md needs no headers, and collector.md is about transport. */
const pages = readdirSync(RECIPES).filter((name) => !['node.md', 'collector.md'].includes(name));
const read = (name: string): string => readFileSync(join(RECIPES, name), 'utf8').toLowerCase();

/** The value of a cookie is secret: each page explains separately how to handle it. */
const headers = [...REQUEST_HEADER_KEYS, ...RESPONSE_HEADER_KEYS]
  .map(({ name }) => name)
  .filter((name) => name !== 'cookie');

describe('a recipe captures all headers, so that this may be declared', () => {
  test.each(pages)('%s names every header that the rules read', (page) => {
    const text = read(page);
    expect(headers.filter((name) => !new RegExp(`(?<![a-z-])${name}(?![a-z-])`).test(text))).toEqual([]);
    expect(text).toContain('originscope.headers_captured');
  });
});

test('the links between recipes are valid', () => {
  for (const page of readdirSync(RECIPES)) {
    for (const [, target = ''] of read(page).matchAll(/\]\(([a-z-]+\.md)(?:#[a-z-]+)?\)/g)) {
      expect(
        readdirSync(RECIPES).map((name) => name.toLowerCase()),
        `${page} → ${target}`,
      ).toContain(target);
    }
  }
});

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineConfig } from 'vitepress';
import { slugOf } from '../markdown.ts';
import { REPOSITORY } from '../repository.ts';

// What build.ts wrote before; `npm run docs` starts in the root of the repository.
const OUTPUT = resolve('.site');

export default defineConfig({
  title: 'Originscope',
  description: 'Observability for cross-origin traffic',
  lang: 'en',
  srcDir: `${OUTPUT}/pages`,
  outDir: `${OUTPUT}/html`,
  cacheDir: `${OUTPUT}/cache`,
  markdown: { anchor: { slugify: slugOf } },
  themeConfig: {
    nav: [
      { text: 'Quick start', link: '/quick-start.md' },
      { text: 'Guides', link: '/guides/index.md' },
      { text: 'Reference', link: '/reference/settings.md' },
      { text: 'Reasons', link: '/reasons/index.md' },
    ],
    sidebar: JSON.parse(readFileSync(`${OUTPUT}/sidebar.json`, 'utf8')),
    outline: [2, 3],
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
  },
});

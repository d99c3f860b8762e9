import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { build } from 'vitepress';
import { llmsText, readSite } from './pages.ts';

/** `npm run docs`: writes the site to .site/html. A broken link is an error. */
const OUTPUT = join(import.meta.dirname, '../../.site');

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

rmSync(OUTPUT, { recursive: true, force: true });
const site = readSite();
for (const [path, { markdown }] of site.pages) write(join(OUTPUT, 'pages', path), markdown);
write(join(OUTPUT, 'sidebar.json'), JSON.stringify(site.sidebar));

await build(import.meta.dirname);

// For programs that read Markdown.
for (const [path, { markdown }] of site.pages) write(join(OUTPUT, 'html', path), markdown);
write(join(OUTPUT, 'html/llms.txt'), llmsText(site));
console.log(`${site.pages.size} pages in .site/html`);

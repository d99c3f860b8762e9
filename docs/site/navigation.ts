import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A page of the site, and the Markdown file that it is made of. */
export interface Page {
  /** Path in the repository. */
  readonly source: string;
  /** Path below the site, with its extension. */
  readonly path: string;
}

export interface Section {
  readonly title: string;
  readonly pages: readonly Page[];
}

const at = (source: string, path: string): Page => ({ source, path });

/** A page of docs/ keeps its path. */
const doc = (path: string): Page => at(`docs/${path}.md`, `${path.replace(/(^|\/)README$/, '$1index')}.md`);

const RUNBOOKS = readdirSync(join(import.meta.dirname, '../runbooks'))
  .map((file) => file.replace(/\.md$/, ''))
  .filter((name) => name !== 'README')
  .sort();

/** Every page but those of single reasons, in the order of the sidebar and of llms.txt. */
export const SECTIONS: readonly Section[] = [
  {
    title: 'Start here',
    pages: [
      at('docs/site/pages/quick-start.md', 'quick-start.md'),
      at('docs/site/pages/concepts.md', 'concepts.md'),
      doc('guarantees'),
    ],
  },
  {
    title: 'Guides',
    pages: [
      doc('guides/README'),
      doc('guides/express'),
      doc('guides/fastify'),
      doc('guides/nest'),
      doc('guides/nextjs'),
      doc('guides/hono'),
      doc('guides/serverless'),
      doc('guides/behind-a-proxy'),
      at('examples/kubernetes/README.md', 'guides/kubernetes.md'),
      doc('recipes/collector'),
      at('instrumentation/README.md', 'instrumentation.md'),
    ],
  },
  {
    title: 'Other languages and gateways',
    pages: [
      'recipes/README',
      'recipes/node',
      'recipes/java-agent',
      'recipes/python',
      'recipes/go',
      'recipes/dotnet',
      'recipes/nginx',
      'recipes/envoy',
      'recipes/traefik',
    ].map(doc),
  },
  {
    title: 'Operating',
    pages: [
      ...['operations', 'dashboards', 'detection', 'alerting', 'dependencies'].map(doc),
      at('SECURITY.md', 'security.md'),
    ],
  },
  { title: 'Runbooks', pages: ['README', ...RUNBOOKS].map((name) => doc(`runbooks/${name}`)) },
  {
    title: 'Reference',
    pages: [
      ...['settings', 'metrics', 'attributes', 'tables'].map((name) => doc(`reference/${name}`)),
      doc('errors'),
    ],
  },
  { title: 'Reasons', pages: [at('docs/reasons.md', 'reasons/index.md')] },
];

/** What is written for contributors; links lead to it in the repository, which shows its diagrams. */
export const FOR_CONTRIBUTORS: readonly string[] = ['docs/architecture.md', 'docs/releasing.md'];

/** Where links lead to whose target is on the site in another place. */
export const MOVED: Readonly<Record<string, string>> = {
  'README.md': 'index.md',
  'README.md#how-it-works': 'concepts.md',
  'README.md#use-it': 'quick-start.md',
  'README.md#configuration': 'reference/settings.md',
  'docs/README.md': 'index.md',
};

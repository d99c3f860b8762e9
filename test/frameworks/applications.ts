import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const APPS = join(import.meta.dirname, 'apps');
export const PACKAGES = join(import.meta.dirname, 'node_modules');

/** Why packages of this folder cannot be used; undefined when they can. */
export function whyNoPackages(...names: readonly string[]): string | undefined {
  return [PACKAGES, ...names.map((name) => join(PACKAGES, name))].every((path) => existsSync(path))
    ? undefined
    : 'the frameworks are not installed: npm ci --prefix test/frameworks --no-audit --no-fund';
}

/**
 * A service whose framework terminates it in its own way. It allows pages of https://shop.example, and no
 * others.
 */
export interface Application {
  /** Where it is started, from `apps` on. */
  readonly directory: string;
  /** A program with its arguments, for Node; or a command of the framework, which starts Node itself. */
  readonly program: readonly string[] | { readonly command: string; readonly args: readonly string[] };
  /** The line that it prints once its signal handlers are there. */
  readonly ready: RegExp;
  /** The path to request; by default `/items`. */
  readonly path?: string;
  /** The only route that is reported, by itself or by the documented line; not asserted if absent. */
  readonly route?: string;
  /** The result of six requests, by verdict and reason, if different from the policy above. */
  readonly decisions?: Readonly<Record<string, number>>;
  /** Whether it needs the packages of this folder. */
  readonly isSeparate?: true;
  /** How it is built: a folder of `apps`, and a program with its arguments, for Node. */
  readonly build?: Build;
}

export interface Build {
  readonly directory: string;
  readonly program: readonly string[];
}

const READY = /^ready$/;
const LISTENING = /^Listening on /;
/** It says "Ready" before it listens for signals. */
const NEXT_READY = /Running next\.config/;

const NEXT_BUILD = { directory: 'next', program: [join(PACKAGES, 'next/dist/bin/next'), 'build'] };

const handlers = [
  'raises it again',
  'raises it again 50 ms later',
  'exits at once',
  'exits after closing',
  'only closes',
];

export const applications: Readonly<Record<string, Application>> = {
  'node:http without a handler': { directory: '.', program: ['signal-handlers.mjs'], ready: READY },
  ...Object.fromEntries(
    handlers.map((handler) => [
      `node:http with a handler that ${handler}`,
      { directory: '.', program: ['signal-handlers.mjs', handler], ready: READY },
    ]),
  ),
  'Nest with enableShutdownHooks()': { directory: '.', program: ['nest.mjs'], ready: READY },
  'Hapi that stops and exits': { directory: '.', program: ['hapi.mjs'], ready: READY },
  'Koa that closes and exits': { directory: '.', program: ['koa.mjs'], ready: READY },
  'Fastify with close-with-grace': {
    directory: '.',
    program: ['fastify.mjs'],
    ready: READY,
    isSeparate: true,
  },
  'Apollo Server, standalone': {
    directory: '.',
    program: ['apollo.mjs'],
    ready: READY,
    path: '/?query={items}',
    route: '/graphql',
    // It answers every origin with "*".
    decisions: { credentials_mode_unknown: 6 },
    isSeparate: true,
  },
  'Nitro 2': {
    directory: 'nitro-2',
    program: ['.output/server/index.mjs'],
    ready: LISTENING,
    path: '/items/42',
    route: '/items/:id',
    isSeparate: true,
    build: { directory: 'nitro-2', program: [join(PACKAGES, 'nitropack/dist/cli/index.mjs'), 'build'] },
  },
  'Nitro 3': {
    directory: 'nitro-3',
    program: ['.output/server/index.mjs'],
    ready: LISTENING,
    path: '/items/42',
    route: '/items/:id',
    isSeparate: true,
    build: { directory: 'nitro-3', program: [join(PACKAGES, 'nitro/dist/cli/index.mjs'), 'build'] },
  },
  Nuxt: {
    directory: 'nuxt',
    program: ['.output/server/index.mjs'],
    ready: LISTENING,
    path: '/items/42',
    route: '/items/:id',
    isSeparate: true,
    build: { directory: 'nuxt', program: [join(PACKAGES, 'nuxt/bin/nuxt.mjs'), 'build'] },
  },
  'next start': {
    directory: 'next',
    program: { command: join(PACKAGES, '.bin/next'), args: ['start'] },
    ready: NEXT_READY,
    path: '/items/42',
    route: '/items/[id]',
    isSeparate: true,
    build: NEXT_BUILD,
  },
  'Next.js, its standalone server': {
    directory: 'next/.next/standalone/apps/next',
    program: ['server.js'],
    ready: NEXT_READY,
    path: '/items/42',
    route: '/items/[id]',
    isSeparate: true,
    build: NEXT_BUILD,
  },
};

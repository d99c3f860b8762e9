import { getDomain } from 'tldts';

/** What kind of application an origin stands for. */
export type OriginKind =
  | 'website'
  | 'local development'
  | 'private host'
  | 'app shell'
  | 'extension'
  | 'file'
  | 'null'
  | 'not a browser origin';

const EXTENSION = /^(?:chrome|moz|safari-web|edge|ms-browser)-extension:/;
const APP_SHELL =
  /^(?:capacitor|ionic|tauri|app|cordova):|^https?:\/\/tauri\.localhost$|^https:\/\/localhost$/;
const LOCAL = /^https?:\/\/(?:localhost|(?:[^/:]+\.)?localhost|127(?:\.\d+){3}|\[::1\]|0\.0\.0\.0)(?::\d+)?$/;
const PRIVATE =
  /^https?:\/\/(?:10(?:\.\d+){3}|192\.168(?:\.\d+){2}|172\.(?:1[6-9]|2\d|3[01])(?:\.\d+){2}|[^/.:]+|[^/:]+\.(?:local|internal|lan|home\.arpa|test))(?::\d+)?$/;

export function kindOfOrigin(origin: string): OriginKind {
  if (origin === 'null') return 'null';
  if (EXTENSION.test(origin)) return 'extension';
  if (origin.startsWith('file:')) return 'file';
  if (APP_SHELL.test(origin)) return 'app shell';
  if (LOCAL.test(origin)) return 'local development';
  if (PRIVATE.test(origin)) return 'private host';
  if (/^https?:\/\//.test(origin)) return 'website';
  return 'not a browser origin';
}

/** Kinds that are not strangers but developers, extensions and apps: noise where a service never allowed them. */
export const NOISE_KINDS: ReadonlySet<OriginKind> = new Set([
  'local development',
  'private host',
  'app shell',
  'extension',
  'file',
]);

/** Those of developers and of extensions; apps and files are those of users. */
export const DEVELOPER_KINDS: ReadonlySet<OriginKind> = new Set([
  'local development',
  'private host',
  'extension',
]);

/** What an origin that is not a website stands for, with an article; empty for websites. */
export function describeOrigin(origin: string): string {
  const kind = kindOfOrigin(origin);
  if (kind !== 'app shell') return DESCRIPTIONS[kind];
  if (origin === 'https://localhost') return 'a Capacitor app on Android';
  if (origin.startsWith('capacitor:')) return 'a Capacitor app on iOS';
  if (origin.startsWith('ionic:')) return 'an Ionic app on iOS';
  if (/^https?:\/\/tauri\.localhost$|^tauri:/.test(origin)) return 'a Tauri desktop app';
  if (origin.startsWith('cordova:')) return 'a Cordova app';
  return 'an app that brings its own pages';
}

const DESCRIPTIONS: Readonly<Record<Exclude<OriginKind, 'app shell'>, string>> = {
  website: '',
  'local development': "a page on a developer's own machine",
  'private host': 'a host of a private network',
  extension: 'a browser extension',
  file: 'a page opened from a file',
  null: 'what sandboxed frames, files and some redirects send',
  'not a browser origin': '',
};

/** Host of a website's origin, without port; empty for others. */
export function hostOf(origin: string): string {
  return /^https?:\/\/([^/:]+)(?::\d+)?$/.exec(origin)?.[1] ?? '';
}

/** Registrable domain, with private suffixes on: two customers of one hosting provider are strangers. */
export function siteOf(origin: string): string {
  const host = hostOf(origin);
  return host === '' ? '' : (getDomain(host, { allowPrivateDomains: true }) ?? host);
}

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DCLinter } from 'dclint';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { readSettings } from '../../cli/settings/read-settings.ts';
import { COMPOSE_FILE, exampleVariables, ROOT, readCompose, type Service, variableUses } from './compose.ts';

const { services, volumes } = readCompose(
  Object.fromEntries(exampleVariables().map((name) => [name, `value-of-${name}`])),
);
const all = Object.entries(services);
const isOurs = ({ image }: Service) => image.endsWith(':local');
const ours = all.filter(([, service]) => isOurs(service));
const thirdParties = all.filter(([, service]) => !isOurs(service));
const jobs = new Set(
  all.flatMap(([, { depends_on = {} }]) =>
    Object.entries(depends_on).flatMap(([name, { condition }]) =>
      condition === 'service_completed_successfully' ? [name] : [],
    ),
  ),
);
const longRunning = all.filter(([name]) => !jobs.has(name));
const mounts = all.flatMap(([, { volumes: mounted = [] }]) => mounted);

/** Its own types cannot be resolved. */
interface Linted {
  readonly messages: readonly { readonly line: number; readonly message: string }[];
}

test('a linter that knows the schema of Compose finds nothing', () => {
  const linter = new DCLinter({
    rules: {
      // The order is that in which the data passes the services, and in which a reader asks.
      'services-alphabetical-order': 0,
      'service-keys-order': 0,
      'top-level-properties-order': 0,
      // `pull_policy: build` says that the name is ours to give.
      'require-quotes-in-ports': [2, { quoteType: 'double' }],
      'no-build-and-image': [2, { checkPullPolicy: true }],
    },
    quiet: false,
    debug: false,
    exclude: [],
  });
  const files: readonly Linted[] = linter.lintFiles([COMPOSE_FILE], false);
  const found = files.flatMap(({ messages }) => messages);
  expect(found.map(({ line, message }) => `${line}: ${message}`)).toEqual([]);
});

test('who is waited for exists, runs in the same profile, and can be seen to be ready', () => {
  for (const [, { depends_on = {}, profiles = [] }] of all) {
    for (const [name, { condition }] of Object.entries(depends_on)) {
      const other = services[name];
      expect(other, name).toBeDefined();
      for (const profile of other?.profiles ?? []) expect(profiles).toContain(profile);
      if (condition === 'service_healthy') {
        expect(other?.healthcheck !== undefined || (other && isOurs(other)), name).toBe(true);
      }
    }
  }
});

test('every volume is declared and used, and every file that is mounted is there, to be read only', () => {
  const [files, named] = [
    mounts.filter((mount) => mount.startsWith('.')),
    mounts.filter((m) => m[0] !== '.'),
  ];
  expect(named.map((mount) => mount.split(':')[0]).sort()).toEqual(Object.keys(volumes).sort());
  for (const file of files) {
    expect(file).toMatch(/:ro$/);
    expect(existsSync(join(ROOT, file.split(':')[0] ?? '')), file).toBe(true);
  }
});

test('every image of others is pinned to a version', () => {
  for (const [, { image }] of thirdParties) expect(image).toMatch(/^[a-z/-]+:v?\d+(\.\d+)+$/);
});

test('every image of ours is built by one service, and by none sought in a registry', () => {
  for (const [name, { image, build, pull_policy }] of ours) {
    expect(pull_policy, name).toBe(build === undefined ? 'never' : 'build');
    expect(ours.filter(([, other]) => other.image === image && other.build !== undefined)).toHaveLength(1);
  }
});

test('every port is open on this machine alone, and none twice', () => {
  const ports = all.flatMap(([, { ports: published = [] }]) => published);
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  const taken = ports.map((port) => port.split(':')[1]);
  expect(new Set(taken).size).toBe(taken.length);
});

test('every service has limits, and is started again when it fails', () => {
  for (const [name, { cpus, mem_limit }] of all) expect([name, cpus, mem_limit]).not.toContain(undefined);
  for (const [, { restart }] of longRunning) expect(restart).toBe('unless-stopped');
  // One that never ended well would be started for ever.
  for (const job of jobs) expect(services[job]?.restart).toMatch(/^on-failure:\d+$/);
});

test('every service that stays says whether it is well', () => {
  const silent = thirdParties.filter(
    ([name, { healthcheck }]) => healthcheck === undefined && !jobs.has(name),
  );
  // Ours have theirs in the image; the Collector's image has no program that could ask.
  expect(silent.map(([name]) => name)).toEqual(['opentelemetry-collector']);
});

test('our processes write nothing to their disk and have no privileges', () => {
  for (const [, { read_only, cap_drop, security_opt }] of ours) {
    expect({ read_only, cap_drop, security_opt }).toEqual({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
  }
});

test('what our processes are told are settings, with values that they take', () => {
  for (const [, { environment = {} }] of ours) {
    const strings = Object.fromEntries(Object.entries(environment).map(([k, v]) => [k, String(v)]));
    expect(() => readSettings({}, strings)).not.toThrow();
  }
});

test('every secret is in .env.example and must be set: none is empty, none has a default', () => {
  const uses = variableUses();
  expect([...new Set(uses.map(([name]) => name))].sort()).toEqual(exampleVariables().sort());
  expect(new Set(uses.map(([, rest]) => rest))).toEqual(new Set([':?set in .env']));
  expect(() => readCompose({})).toThrow('has no value');
});

test('git knows nothing of .env', () => {
  expect(readFileSync(join(ROOT, '.gitignore'), 'utf8').split('\n')).toContain('.env');
});

test('the users that the pipeline and the dashboards come as are those of the ClickHouse server', () => {
  const users = readFileSync(join(ROOT, 'collector/clickhouse/server/users.xml'), 'utf8');
  const passwords = new Map(
    [...users.matchAll(/<(\w+)>\s*<password from_env="(\w+)"\/>/g)].map(([, user, name]) => [user, name]),
  );
  const server = services.clickhouse?.environment ?? {};
  const writer = services.consumer?.environment ?? {};
  const grafana = services.grafana?.environment ?? {};
  const [source] = (
    parse(readFileSync(join(ROOT, 'dashboards/provisioning/datasources/clickhouse.yaml'), 'utf8')) as {
      datasources: [{ jsonData: { username: string }; secureJsonData: { password: string } }];
    }
  ).datasources;
  const passwordOf = (user: unknown) => server[passwords.get(String(user)) ?? ''];

  expect(passwords.size).toBe(2);
  expect(passwordOf(writer.ORIGINSCOPE_CLICKHOUSE_USER)).toBe(writer.ORIGINSCOPE_CLICKHOUSE_PASSWORD);
  const read = grafana[source.secureJsonData.password.replace('$', '')];
  expect(read).toBeDefined();
  expect(passwordOf(source.jsonData.username)).toBe(read);
});

test('Alertmanager takes its configuration', ({ skip }) => {
  const amtool = run('amtool', ['--version']);
  if (amtool === undefined) skip('amtool is missing: apt-get install prometheus-alertmanager');
  expect(run('amtool', ['check-config', join(ROOT, 'analyzer/alerting/alertmanager.yml')])).toContain(
    'SUCCESS',
  );
});

/** What it printed; undefined when it is not installed. */
function run(command: string, args: string[]): string | undefined {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

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

test('a linter with the schema of Compose finds nothing', () => {
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

test('dependencies exist, run in the same profile, and have a health check or complete', () => {
  for (const [, { depends_on = {}, profiles = [] }] of all) {
    for (const [name, { condition }] of Object.entries(depends_on)) {
      const other = services[name];
      expect(other, name).toBeDefined();
      for (const profile of other?.profiles ?? []) expect(profiles).toContain(profile);
      if (condition === 'service_healthy') {
        expect(other?.healthcheck, name).toBeDefined();
      }
    }
  }
});

test('every volume is declared and used, and every mounted file exists and is read-only', () => {
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

test('every third-party image is pinned to an exact version', () => {
  for (const [, { image }] of thirdParties) {
    // ClickHouse counts four numbers.
    const numbers = image.startsWith('clickhouse/') ? 4 : 3;
    expect(image).toMatch(new RegExp(`^[a-z/-]+:v?\\d+(\\.\\d+){${numbers - 1}}$`));
  }
  const plugins = String(services.grafana?.environment?.GF_PLUGINS_PREINSTALL_SYNC).split(',');
  for (const plugin of plugins) expect(plugin).toMatch(/@\d+\.\d+\.\d+$/);
});

test('every image of ours is built by one service, and never pulled', () => {
  for (const [name, { image, build, pull_policy }] of ours) {
    expect(pull_policy, name).toBe(build === undefined ? 'never' : 'build');
    expect(ours.filter(([, other]) => other.image === image && other.build !== undefined)).toHaveLength(1);
  }
});

test('every port is open on this machine only, and none twice', () => {
  const ports = all.flatMap(([, { ports: published = [] }]) => published);
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  const taken = ports.map((port) => port.split(':')[1]);
  expect(new Set(taken).size).toBe(taken.length);
});

test('every service has limits, and is restarted when it fails', () => {
  for (const [name, { cpus, mem_limit }] of all) expect([name, cpus, mem_limit]).not.toContain(undefined);
  for (const [, { restart }] of longRunning) expect(restart).toBe('unless-stopped');
  // A job that always fails would be restarted forever.
  for (const job of jobs) expect(services[job]?.restart).toMatch(/^on-failure:\d+$/);
});

test('the logs of every service are bounded', () => {
  for (const [name, { logging }] of all) {
    expect(logging, name).toEqual({ driver: 'json-file', options: { 'max-size': '10m', 'max-file': '5' } });
  }
});

test('every long-running service has a health check, and no job has one', () => {
  for (const job of jobs) expect(services[job]?.healthcheck, job).toEqual({ disable: true });
  const silent = longRunning.filter(([, { healthcheck }]) => healthcheck === undefined);
  // The Collector's image has no program for one; the shop serves nobody but itself.
  expect(silent.map(([name]) => name)).toEqual(['opentelemetry-collector', 'shop']);
});

test('no process has privileges, or writes outside its volumes and bounded tmpfs', () => {
  for (const [name, { read_only, cap_drop, security_opt, tmpfs = [] }] of all) {
    expect({ name, read_only, cap_drop, security_opt }).toEqual({
      name,
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
    for (const mount of tmpfs) expect(mount).toMatch(/^\/[a-z/]+:(exec,)?size=\d+m$/);
  }
  for (const [, { tmpfs = [], volumes: mounted = [] }] of ours) expect([...tmpfs, ...mounted]).toEqual([]);
});

test('what Kafka, ClickHouse and Grafana write at run time is writable', () => {
  const writable = (name: string): string[] => {
    const { tmpfs = [], volumes: mounted = [] } = services[name] ?? {};
    return [...tmpfs.map((mount) => mount.split(':')[0]), ...mounted.map((mount) => mount.split(':')[1])]
      .filter((path) => path !== undefined)
      .sort();
  };
  expect(writable('kafka')).toEqual(
    expect.arrayContaining(['/opt/kafka/config', '/opt/kafka/logs', '/tmp', '/var/lib/kafka/data']),
  );
  // Native libraries of codecs are executed from where they were unpacked.
  expect(services.kafka?.tmpfs).toContainEqual(expect.stringMatching(/^\/tmp:exec,/));
  expect(writable('clickhouse')).toEqual(expect.arrayContaining(['/tmp', '/var/lib/clickhouse']));
  expect(writable('grafana')).toEqual(expect.arrayContaining(['/tmp', '/var/lib/grafana']));
});

test('ClickHouse logs to its output only, because nothing removes log files', () => {
  const logging = readFileSync(join(ROOT, 'clickhouse/server/logging.xml'), 'utf8');
  for (const file of ['log', 'errorlog']) expect(logging).toContain(`<${file} remove="remove"/>`);
  expect(logging).toContain('<console>true</console>');
  expect(services.clickhouse?.volumes).toContainEqual(
    expect.stringMatching(/server\/logging\.xml:\/etc\/clickhouse-server\/config\.d\/\w+\.xml:ro$/),
  );
});

test('Kafka requires a password from everyone outside its container', () => {
  const { environment = {} } = services.kafka ?? {};
  const protocols = new Map(
    String(environment.KAFKA_LISTENER_SECURITY_PROTOCOL_MAP)
      .split(',')
      .map((pair) => pair.split(':') as [string, string]),
  );
  const listeners = String(environment.KAFKA_LISTENERS)
    .split(',')
    .map((listener) => listener.split('://') as [string, string]);
  expect(listeners.map(([name]) => name).sort()).toEqual([...protocols.keys()].sort());
  for (const [name, address] of listeners) {
    if (protocols.get(name) === 'SASL_PLAINTEXT') {
      expect(environment[`KAFKA_LISTENER_NAME_${name}_PLAIN_SASL_JAAS_CONFIG`]).toMatch(
        /user_originscope="value-of-KAFKA_PASSWORD";$/,
      );
    } else {
      expect([name, address]).toEqual([name, expect.stringMatching(/^127\.0\.0\.1:\d+$/)]);
    }
  }
});

test('the OpenTelemetry Collector has the credentials for Kafka', () => {
  const { exporters } = parse(
    readFileSync(join(ROOT, 'examples/opentelemetry-collector/config.yaml'), 'utf8'),
  ) as { exporters: { kafka: { auth: { sasl: Record<string, string> } } } };
  const environment = services['opentelemetry-collector']?.environment ?? {};
  const sasl = Object.entries(exporters.kafka.auth.sasl).map(([key, value]) => [
    key,
    value.replace(/\$\{env:(\w+)\}/, (_, name: string) => String(environment[name])),
  ]);
  expect(Object.fromEntries(sasl)).toEqual({
    mechanism: 'PLAIN',
    username: 'originscope',
    password: 'value-of-KAFKA_PASSWORD',
  });
});

test('variables of our processes are settings with valid values', () => {
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

test('git ignores .env', () => {
  expect(readFileSync(join(ROOT, '.gitignore'), 'utf8').split('\n')).toContain('.env');
});

test('the users of the pipeline and the dashboards are those of the ClickHouse server', () => {
  const users = readFileSync(join(ROOT, 'clickhouse/server/users.xml'), 'utf8');
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

test('Alertmanager accepts its configuration', ({ skip }) => {
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

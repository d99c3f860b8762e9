import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { readSettings } from '../../cli/settings/read-settings.ts';
import { ROOT } from './compose.ts';

const DIRECTORY = join(ROOT, 'examples/kubernetes');

type Labels = Readonly<Record<string, string>>;

interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly startupProbe?: Probe;
  readonly resources: { readonly limits: object; readonly requests: object };
  readonly securityContext: object;
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Pod {
  readonly securityContext: object;
  readonly automountServiceAccountToken: boolean;
  readonly containers: readonly [Container];
  readonly volumes: readonly [{ readonly secret: { readonly items: readonly { readonly path: string }[] } }];
}

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly selector?: { readonly matchLabels?: Labels };
    readonly template?: { readonly metadata: { readonly labels: Labels }; readonly spec: Pod };
    readonly ports?: readonly { readonly targetPort: string }[];
    readonly scaleTargetRef?: { readonly name: string };
  };
}

const files = readdirSync(DIRECTORY).filter(
  (file) => file.endsWith('.yaml') && file !== 'kustomization.yaml',
);
const manifests = files.flatMap((file) =>
  parseAllDocuments(readFileSync(join(DIRECTORY, file), 'utf8')).map(
    (document) => document.toJS() as Manifest,
  ),
);
const ofKind = (...kinds: string[]) => manifests.filter(({ kind }) => kinds.includes(kind));
const titleOf = ({ kind, metadata }: Manifest) => `${kind} ${metadata.name}`;
const pods = ofKind('Deployment', 'Job').map((manifest) => {
  const template = manifest.spec?.template;
  if (template === undefined) throw new Error(`${titleOf(manifest)} has no template`);
  return { title: titleOf(manifest), kind: manifest.kind, template, pod: template.spec };
});

test.each(manifests.map((manifest) => [titleOf(manifest), manifest] as const))(
  'the schema of Kubernetes accepts %s',
  async (_, manifest) => {
    const models = (await import(/* @vite-ignore */ `kubernetes-models/${manifest.apiVersion}`)) as Readonly<
      Record<string, new (data: Manifest) => { validate(): void }>
    >;
    const Model = models[manifest.kind];
    if (Model === undefined) throw new Error(`${manifest.apiVersion} has no ${manifest.kind}`);
    expect(() => new Model(manifest).validate()).not.toThrow();
  },
);

test('no manifest has an unknown field', () => {
  // The schemas allow unknown fields, the compiler does not.
  expect(compile(manifests)).toBe('');
  const misspelt = JSON.stringify(manifests).replaceAll('"readinessProbe"', '"readynessProbe"');
  expect(compile(JSON.parse(misspelt) as Manifest[])).toContain('"readynessProbe"');
});

test('kustomization.yaml names every file', () => {
  const { resources } = parse(readFileSync(join(DIRECTORY, 'kustomization.yaml'), 'utf8')) as {
    resources: string[];
  };
  expect([...resources].sort()).toEqual([...files].sort());
});

test('every image is ours, and the version that is deployed is exact', () => {
  const { images } = parse(readFileSync(join(DIRECTORY, 'kustomization.yaml'), 'utf8')) as {
    images: { name: string; newTag: string }[];
  };
  expect(images.map(({ name }) => name)).toEqual(['originscope']);
  for (const { newTag } of images) expect(newTag).toMatch(/^\d+\.\d+\.\d+$/);
  for (const { pod } of pods) {
    expect(pod.containers.map(({ image }) => image)).toEqual(['originscope']);
  }
});

describe.each(pods)('$title', ({ kind, template, pod }) => {
  const [container] = pod.containers;

  test('has limits and no privileges', () => {
    expect(container.resources).toEqual({
      requests: { cpu: expect.any(String), memory: expect.any(String) },
      limits: { cpu: expect.any(String), memory: expect.any(String) },
    });
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  test('has valid settings and existing secrets', () => {
    const directory = temporaryDirectory();
    for (const { path } of pod.volumes[0].secret.items)
      writeFileSync(join(directory, path), `value-of-${path}`);
    const environment = {
      ...ofKind('ConfigMap')[0]?.data,
      ...Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value])),
    };
    const here = Object.entries(environment).map(([name, value]) => [
      name,
      value.replace(/^\/secrets/, directory),
    ]);
    const settings = readSettings({}, Object.fromEntries(here));
    expect(settings.kafkaPassword).toBe('value-of-kafka-password');
    // To listen on all addresses needs it, and so do metrics.
    if (kind === 'Deployment') expect(settings.token).toBe('value-of-token');
  });

  if (kind !== 'Deployment') return;

  test('has liveness and readiness probes', () => {
    const ports = container.ports?.map(({ name }) => name) ?? [];
    const { readinessProbe, livenessProbe, startupProbe } = container;
    expect(readinessProbe?.httpGet.path).toBe('/readyz');
    expect(livenessProbe?.httpGet.path).toBe('/healthz');
    expect(startupProbe?.httpGet.path).toBe('/healthz');
    for (const probe of [readinessProbe, livenessProbe, startupProbe]) {
      expect(ports).toContain(probe?.httpGet.port);
    }
  });

  test('is what its selector, its disruption budget and its Service select', () => {
    const [name] = container.args;
    const selecting = manifests.filter(
      ({ spec, metadata }) => metadata.name === name && spec?.selector !== undefined,
    );
    expect(selecting.map((one) => one.kind)).toEqual(
      expect.arrayContaining(['Deployment', 'PodDisruptionBudget']),
    );
    for (const { spec } of selecting) {
      expect(spec?.selector?.matchLabels ?? spec?.selector).toEqual(template.metadata.labels);
      for (const { targetPort } of spec?.ports ?? []) {
        expect(container.ports?.map((port) => port.name)).toContain(targetPort);
      }
    }
  });
});

test('scale targets exist', () => {
  const deployments = ofKind('Deployment').map(({ metadata }) => metadata.name);
  for (const { spec } of ofKind('HorizontalPodAutoscaler')) {
    expect(deployments).toContain(spec?.scaleTargetRef?.name);
  }
});

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'originscope-kubernetes-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** What the compiler says of the manifests as values of the types of Kubernetes; nothing when they fit. */
function compile(values: readonly Manifest[]): string {
  const directory = temporaryDirectory();
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  mkdirSync(join(directory, 'source'));
  const lines = values.map(
    (value) =>
      `(${JSON.stringify(value)}) satisfies import('kubernetes-models/${value.apiVersion}').I${value.kind};`,
  );
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(directory, 'source/manifests.ts'), `export {};\n${lines.join('\n')}\n`);
  const options = { strict: true, module: 'nodenext', noEmit: true, skipLibCheck: true, types: [] };
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, include: ['source'] }),
  );
  try {
    return execFileSync(process.execPath, [join(ROOT, 'node_modules/.bin/tsc'), '-p', directory], {
      encoding: 'utf8',
      cwd: dirname(directory),
    });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

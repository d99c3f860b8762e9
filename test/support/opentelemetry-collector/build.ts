import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const RECIPE = join(import.meta.dirname, 'builder.yaml');
const BUILDER = 'go.opentelemetry.io/collector/cmd/builder@v0.161.0';

/** A sentence when the Collector is neither built yet nor can be; undefined otherwise. */
export function whyNoCollector(): string | undefined {
  if (existsSync(binary()) || spawnSync('go', ['version']).status === 0) return undefined;
  return 'Go was not found, which builds the OpenTelemetry Collector: install Go 1.25 or newer (https://go.dev/dl)';
}

/**
 * The path of the OpenTelemetry Collector that builder.yaml describes. The first call builds it with the
 * Collector's own builder, some four minutes on two cores; the binary stays in the user's cache directory.
 *
 * @throws Error when it cannot be built
 */
export function opentelemetryCollector(progress: (line: string) => void = () => {}): string {
  if (existsSync(binary())) return binary();
  const missing = whyNoCollector();
  if (missing !== undefined) throw new Error(missing);
  progress('building the OpenTelemetry Collector, once: some four minutes');
  mkdirSync(cache(), { recursive: true });
  const directory = mkdtempSync(join(cache(), 'building-'));
  try {
    run('go', ['install', BUILDER], directory);
    run(join(directory, 'builder'), ['--config', RECIPE], directory);
    // Two builds at once both end here; either binary will do.
    mkdirSync(join(binary(), '..'), { recursive: true });
    renameSync(join(directory, 'dist', 'otelcol'), binary());
    return binary();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const cache = (): string =>
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'originscope', 'opentelemetry-collector');

/** Another recipe makes another binary. */
function binary(): string {
  const recipe = createHash('sha256').update(readFileSync(RECIPE)).digest('hex').slice(0, 12);
  return join(cache(), recipe, 'otelcol');
}

function run(command: string, args: readonly string[], directory: string): void {
  const { status, error, stderr } = spawnSync(command, args, {
    cwd: directory,
    env: { ...process.env, GOBIN: directory, CGO_ENABLED: '0' },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 ** 2,
  });
  if (status === 0) return;
  throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? stderr.slice(-2_000)}`, {
    cause: error,
  });
}

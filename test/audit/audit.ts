import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Finding {
  readonly package: string;
  readonly severity: string;
  /** The advisory with its address; for a package that only depends on a vulnerable one, the name of that. */
  readonly via: readonly string[];
  /** Whether it is shipped, or only used in development. */
  readonly isShipped: boolean;
}

export type Audit =
  | { readonly outcome: 'answered'; readonly findings: readonly Finding[] }
  /** Unknown: the registry is unreachable, or has no advisories. */
  | { readonly outcome: 'unanswered'; readonly why: string };

interface AuditReport {
  /** Why it could not be queried. */
  readonly message?: string;
  readonly vulnerabilities?: Readonly<
    Record<string, { severity: string; via: readonly (string | { title: string; url: string })[] }>
  >;
}

/**
 * Queries the registry for known vulnerabilities of every dependency in the lock file.
 *
 * @param options.registry default: that of npm's configuration
 */
export async function auditDependencies(options: { readonly registry?: string } = {}): Promise<Audit> {
  const all = await npmAudit(options);
  if (all.vulnerabilities === undefined) {
    return { outcome: 'unanswered', why: all.message ?? 'npm audit gave no reason' };
  }
  if (Object.keys(all.vulnerabilities).length === 0) return { outcome: 'answered', findings: [] };
  const { vulnerabilities: shipped = {} } = await npmAudit({ ...options, flags: ['--omit=dev'] });
  const findings = Object.entries(all.vulnerabilities).map(([name, { severity, via }]) => ({
    package: name,
    severity,
    via: via.map((cause) => (typeof cause === 'string' ? cause : `${cause.title} (${cause.url})`)),
    isShipped: name in shipped,
  }));
  return { outcome: 'answered', findings };
}

/** Unacceptable findings: any in shipped packages, and severe ones in development. */
export function isUnacceptable({ isShipped, severity }: Finding): boolean {
  return isShipped || severity === 'high' || severity === 'critical';
}

async function npmAudit({ registry, flags = [] }: { registry?: string; flags?: readonly string[] }) {
  const args = ['audit', '--json', '--fetch-retries=0', '--fetch-timeout=30000', ...flags];
  if (registry !== undefined) args.push(`--registry=${registry}`);
  const child = spawn('npm', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] });
  const closed = once(child, 'close');
  const output = await text(child.stdout);
  // Its exit code is 1 both for findings and for a missing response.
  await closed;
  return JSON.parse(output) as AuditReport;
}

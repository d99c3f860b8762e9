import { auditDependencies, isUnacceptable } from './audit.ts';

/**
 * `npm run audit`: fails for known vulnerabilities of dependencies; reports when the registry cannot be
 * queried.
 */
const audit = await auditDependencies();
if (audit.outcome === 'unanswered') {
  console.log(`audit: not done, the registry does not respond: ${audit.why}`);
} else {
  for (const { package: name, severity, isShipped, via } of audit.findings) {
    console.log(`${severity} in ${name} (${isShipped ? 'shipped' : 'development'}): ${via.join('; ')}`);
  }
  const unacceptable = audit.findings.filter(isUnacceptable);
  console.log(
    `audit: ${audit.findings.length} packages with known vulnerabilities, ${unacceptable.length} unacceptable`,
  );
  if (unacceptable.length > 0) {
    console.log('Update them, or see docs/dependencies.md.');
    process.exitCode = 1;
  }
}

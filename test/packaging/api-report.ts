import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';

/** Severities of API Extractor that would only add remarks to the report. */
const SILENT = { default: { logLevel: ExtractorLogLevel.None, addToApiReportFile: false } };

/**
 * The public types of one entry point, as API Extractor writes them.
 *
 * @param directory the package
 * @param declarations the entry point's built declaration file, relative to it
 * @throws Error when the declarations do not compile
 */
export function apiReport(directory: string, declarations: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'originscope-api-'));
  try {
    const entry = join(directory, declarations);
    const config = ExtractorConfig.prepare({
      packageJsonFullPath: join(directory, 'package.json'),
      configObjectFullPath: undefined,
      configObject: {
        projectFolder: directory,
        mainEntryPointFilePath: entry,
        newlineKind: 'lf',
        compiler: { overrideTsconfig: { compilerOptions: COMPILER_OPTIONS, files: [entry] } },
        apiReport: {
          enabled: true,
          includeForgottenExports: true,
          reportFolder: folder,
          reportTempFolder: folder,
          reportFileName: 'report',
        },
        docModel: { enabled: false },
        dtsRollup: { enabled: false },
        tsdocMetadata: { enabled: false },
        messages: { extractorMessageReporting: SILENT, tsdocMessageReporting: SILENT },
      },
    });
    const errors: string[] = [];
    Extractor.invoke(config, {
      localBuild: true,
      messageCallback: (message) => {
        if (message.logLevel === ExtractorLogLevel.Error) errors.push(message.text);
        message.handled = true;
      },
    });
    if (errors.length > 0) throw new Error(errors.join('\n'));
    return readFileSync(join(folder, 'report.api.md'), 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const COMPILER_OPTIONS = {
  module: 'nodenext',
  target: 'es2022',
  strict: true,
  skipLibCheck: true,
  types: ['node'],
  allowImportingTsExtensions: true,
  noEmit: true,
};

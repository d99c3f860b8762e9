import { Command } from 'commander';
import { OriginscopeError } from '../core/errors.ts';
import { grafanaFiles, prometheusFiles } from '../dashboards/grafana/grafana-files.ts';
import { writeFiles } from '../dashboards/grafana/write-files.ts';

interface Flags {
  readonly grafana?: string;
  readonly prometheus?: string;
  readonly datasourceUid?: string;
  readonly folder?: string;
  readonly traceUrl?: string;
}

export function dashboards(command: Command): Command {
  return command.addCommand(
    new Command('export')
      .description('write dashboards and alert rules; existing files are replaced')
      .option('--grafana <directory>', 'provisioning directory for a Grafana with a ClickHouse data source')
      .option('--datasource-uid <uid>', 'uid of that data source; default: originscope')
      .option('--folder <name>', 'folder in Grafana; default: Originscope')
      .option('--trace-url <url>', 'URL of a trace up to its id, for links of trace ids', traceUrl)
      .option('--prometheus <directory>', 'for those who have only Prometheus: its rules, and a dashboard')
      .action(async ({ grafana, prometheus, ...options }: Flags) => {
        if (grafana === undefined && prometheus === undefined) {
          throw new OriginscopeError('SETTING_MISSING', {
            problem: '--grafana or --prometheus',
            remedy: 'Give the directory to write to, for example --grafana /etc/grafana/provisioning.',
          });
        }
        if (grafana !== undefined) await write(grafana, grafanaFiles(options));
        if (prometheus !== undefined) await write(prometheus, prometheusFiles());
      }),
  );
}

async function write(directory: string, files: ReadonlyMap<string, string>): Promise<void> {
  const written = await writeFiles(directory, files).catch((cause: unknown) => {
    throw new OriginscopeError('FILE_UNWRITABLE', { directory, cause });
  });
  for (const path of written) console.log(path);
}

function traceUrl(text: string): string {
  if (/^https?:\/\/[^\s${}]+$/.test(text) && URL.canParse(text)) return text;
  throw new OriginscopeError('TRACE_URL_INVALID', { url: text });
}

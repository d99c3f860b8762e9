import { Command } from 'commander';
import { OriginscopeError } from '../core/errors.ts';
import { grafanaFiles } from '../dashboards/grafana/grafana-files.ts';
import { writeFiles } from '../dashboards/grafana/write-files.ts';

interface Flags {
  readonly grafana: string;
  readonly datasourceUid?: string;
  readonly folder?: string;
  readonly traceUrl?: string;
}

export function dashboards(command: Command): Command {
  return command.addCommand(
    new Command('export')
      .description('write the files of a Grafana provisioning directory; existing ones are replaced')
      .requiredOption('--grafana <directory>', 'where to write them')
      .option('--datasource-uid <uid>', 'uid of the ClickHouse data source in Grafana; default: originscope')
      .option('--folder <name>', 'folder in Grafana; default: Originscope')
      .option('--trace-url <url>', 'URL of a trace up to its id, for links of trace ids', traceUrl)
      .action(async ({ grafana, ...options }: Flags) => {
        const written = await writeFiles(grafana, grafanaFiles(options)).catch((cause: unknown) => {
          throw new OriginscopeError('FILE_UNWRITABLE', `Files cannot be written to ${grafana}`, {
            cause,
            remedy: 'Check that the directory can be created and written, and that there is space left.',
          });
        });
        for (const path of written) console.log(path);
      }),
  );
}

function traceUrl(text: string): string {
  if (/^https?:\/\/[^\s${}]+$/.test(text) && URL.canParse(text)) return text;
  throw new OriginscopeError('TRACE_URL_INVALID', `${text} is not a valid URL of traces`, {
    remedy: 'Give an http or https URL that ends where the trace id follows: https://tempo.example/trace/',
  });
}

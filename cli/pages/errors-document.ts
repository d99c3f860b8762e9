import {
  ERROR_CODES,
  ERRORS,
  type ErrorCode,
  type ErrorDefinition,
  GRPC_CODES,
} from '../../core/error-codes.ts';

/** docs/errors.md, made of the table of error codes. */
export function errorsDocument(): string {
  return `${[INTRODUCTION, ...[...ERROR_CODES].sort().map(section)].join('\n\n')}\n`;
}

const INTRODUCTION = `# Errors

Every error of Originscope has a code, which stays the same between versions: programs compare the code, people read the message and the remedy. The command line prints all three and exits with status 1 (\`probe\` and \`explain\`: 2, no verdict):

\`\`\`text
originscope: [SCHEMA_NEWER] The data has schema step 12 (usage_hours), this version knows steps up to 11
  Use the newer version of Originscope that wrote it, or another data directory.
\`\`\`

In logs the code is \`err.code\`. A server answers with the HTTP status below and, over OTLP, with the gRPC status in the body. *Retryable* means that the same operation may succeed later without anybody changing anything; consumers wait for that by themselves, and OTLP senders send the same spans again.

Values of the particular case stand in place of \`<names>\`, and a remedy may be more specific than the one here.`;

function section(code: ErrorCode): string {
  const { message, remedy, retryable, http, grpc }: ErrorDefinition = ERRORS[code];
  const facts = [
    retryable ? 'Retryable' : 'Not retryable',
    ...(http === undefined ? [] : [`HTTP ${http}`]),
    ...(grpc === undefined ? [] : [`gRPC ${GRPC_CODES[grpc]} (\`${grpc}\`)`]),
  ];
  return [`## \`${code}\``, `> ${shown(message)}`, shown(remedy), `${facts.join(' · ')}.`].join('\n\n');
}

/** Placeholders as Markdown that shows them as they are. */
const shown = (template: string): string => template.replace(/\{(\w+)\}/g, '`<$1>`');

/** Status codes of gRPC that the receiver answers (google/rpc/code.proto). */
export const GRPC_CODES = {
  INVALID_ARGUMENT: 3,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

export type GrpcStatus = keyof typeof GRPC_CODES;

export interface ErrorDefinition {
  /** What went wrong, without a full stop. `{name}` is replaced by a value of the particular error. */
  readonly message: string;
  /** What a person can do, in full sentences. An error may bring a more specific remedy. */
  readonly remedy: string;
  /** Whether the same operation may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  /** How servers answer it. */
  readonly http?: number;
  readonly grpc?: GrpcStatus;
}

const INVALID = { retryable: false, http: 400, grpc: 'INVALID_ARGUMENT' } as const;
const TOO_LARGE = { retryable: false, http: 413, grpc: 'RESOURCE_EXHAUSTED' } as const;
const UNAUTHENTICATED = { retryable: false, http: 401, grpc: 'UNAUTHENTICATED' } as const;
const FORBIDDEN = { retryable: false, http: 403, grpc: 'PERMISSION_DENIED' } as const;
const UNAVAILABLE = { retryable: true, http: 503, grpc: 'UNAVAILABLE' } as const;

const WHY_LOCAL =
  'Without a token only programs on this machine are accepted, and a web page can make a name of its own resolve to this address';
const SEND_TOKEN =
  'Send "Authorization: Bearer TOKEN" (OTEL_EXPORTER_OTLP_HEADERS) with the token of the collector.';

/** Every error that Originscope raises. docs/errors.md is generated from this table. */
export const ERRORS = {
  // Settings and arguments
  SETTING_INVALID: {
    message: '{source}: {problem}',
    remedy: 'Expected: {expected}.',
    retryable: false,
  },
  SETTING_MISSING: {
    message: 'A required setting is missing: {problem}',
    remedy: 'Set the flag or environment variable that the message names.',
    retryable: false,
  },
  SETTING_UNKNOWN: {
    message: '{name} is not a known setting',
    remedy: 'Known settings: {known}.',
    retryable: false,
  },
  CONFIG_UNREADABLE: {
    message: '{source} {problem}',
    remedy: 'Check the path and its permissions. A configuration file holds one JSON object.',
    retryable: false,
  },
  SAMPLING_RATIO_INVALID: {
    message: '"{pair}" is not a valid sampling ratio',
    remedy: 'Write service=ratio, each service once, with 0 < ratio <= 1: checkout=0.1,search=1,*=0.25.',
    retryable: false,
  },
  RETENTION_INVALID: {
    message: 'Retention {key} must be a whole number of at least {least}, received {value}',
    remedy: 'Set {key} to {least} or more.',
    retryable: false,
  },
  WINDOW_EMPTY: {
    message: '--until is not after --since',
    remedy: 'Give a --since that lies before --until, for example --since 3d --until 2d.',
    retryable: false,
  },
  FILE_UNWRITABLE: {
    message: 'Files cannot be written to {directory}',
    remedy: 'Check that the directory can be created and written, and that there is free space.',
    retryable: false,
  },
  TRACE_URL_INVALID: {
    message: '{url} is not a valid URL of traces',
    remedy:
      'Give an http or https URL to which the trace id is appended, such as https://tempo.example/trace/.',
    retryable: false,
  },
  FILE_UNREADABLE: {
    message: '{file} cannot be read{why}',
    remedy: 'Check the path and its permissions.',
    retryable: false,
  },
  INPUT_EMPTY: {
    message: '{name} is empty',
    remedy:
      "Give a HAR, JSON lines, a message from the browser's console, or a request copied from DevTools as cURL or fetch.",
    retryable: false,
  },
  INPUT_NOT_SHARED: {
    message:
      'Another process holds {data} and does the import, and it cannot read the standard input of this one',
    remedy: 'Give the path of a file, or stop the other process first.',
    retryable: false,
  },
  HAR_MALFORMED: {
    message: '{name} is not a valid HAR: {problem}',
    remedy: 'Save it again from the network panel of the browser\'s developer tools ("Save all as HAR").',
    retryable: false,
  },
  LINE_MALFORMED: {
    message: '{name}, line {line}: {problem}',
    remedy: 'Correct or remove the line.',
    retryable: false,
  },

  // Listening and access
  HOST_NEEDS_TOKEN: {
    message: 'Listening on {host} would accept unauthenticated data from anyone who can reach it',
    remedy: 'Set a token (--token, ORIGINSCOPE_TOKEN), or --auth none to accept unauthenticated data.',
    retryable: false,
  },
  PORT_TAKEN: {
    message: 'Port {port} on {host} is already in use: choose another with {flag}',
    remedy:
      'Another originscope, or an OpenTelemetry Collector, may be running; {flag} 0 chooses a free port.',
    retryable: false,
  },
  PORT_FORBIDDEN: {
    message: 'Port {port} needs privileges: choose another with {flag}',
    remedy: 'Ports above 1023 need no privileges.',
    retryable: false,
  },
  HOST_UNAVAILABLE: {
    message: 'This machine has no address {host}: choose another with --host',
    remedy: 'Omit --host to listen on 127.0.0.1.',
    retryable: false,
  },
  TOKEN_MISSING: { message: 'The request has no bearer token', remedy: SEND_TOKEN, ...UNAUTHENTICATED },
  TOKEN_INVALID: { message: 'The bearer token is wrong', remedy: SEND_TOKEN, ...UNAUTHENTICATED },
  HOST_FOREIGN: {
    message: `The Host header is not localhost or a loopback address. ${WHY_LOCAL}`,
    remedy:
      'Use http://localhost or http://127.0.0.1, or configure a token for the collector (ORIGINSCOPE_TOKEN).',
    ...FORBIDDEN,
  },
  ORIGIN_FOREIGN: {
    message: `The request comes from a web page of another origin. ${WHY_LOCAL}`,
    remedy: 'Do not send from a web page, or configure a token for the collector (ORIGINSCOPE_TOKEN).',
    ...FORBIDDEN,
  },
  CONTROL_FAILED: {
    message: 'The running originscope process did not answer',
    remedy: 'Try again; if it keeps failing, look at the log of that process.',
    retryable: true,
  },

  // OTLP requests
  OTLP_MALFORMED: {
    message: 'The body is not a valid OTLP trace export request: {problem}',
    remedy: 'Send an ExportTraceServiceRequest in the encoding that Content-Type names.',
    ...INVALID,
  },
  BODY_MALFORMED: {
    message: 'Content-Encoding is gzip, but the body cannot be decompressed',
    remedy: 'Send a complete gzip stream, or omit Content-Encoding.',
    ...INVALID,
  },
  BODY_ABORTED: {
    message: 'The sender disconnected before its body was complete',
    remedy: 'Send the same spans again.',
    ...INVALID,
    retryable: true,
  },
  BODY_TIMEOUT: {
    message: 'The body did not arrive within {seconds} s',
    remedy: 'Send the same spans again, in smaller batches if the connection is slow.',
    ...UNAVAILABLE,
  },
  BODY_TOO_LARGE: {
    message: 'The body is too large: {problem}',
    remedy: 'Send smaller batches.',
    ...TOO_LARGE,
  },
  BODY_RATIO: {
    message: 'The body is more than {ratio} times larger after decompression',
    remedy: 'Send smaller batches, or no compression.',
    ...TOO_LARGE,
  },
  CONTENT_ENCODING_UNSUPPORTED: {
    message: 'Unsupported Content-Encoding',
    remedy: 'Send gzip, or no compression.',
    retryable: false,
    http: 415,
    grpc: 'INVALID_ARGUMENT',
  },
  OVERLOADED: {
    message: 'The collector is overloaded: {problem}',
    remedy: 'Send the same spans again in a second.',
    ...UNAVAILABLE,
  },

  // Writing
  WRITE_FAILED: {
    message: '{destination} did not accept the spans',
    remedy: 'Send the same spans again; if it keeps failing, look at the cause in the log.',
    ...UNAVAILABLE,
  },
  WRITER_CLOSED: {
    message: 'The writer to {destination} is shutting down',
    remedy: 'Send the same spans again when the collector is running.',
    ...UNAVAILABLE,
  },
  ROW_REFUSED: {
    message: '{destination} rejected the content of this request',
    remedy: 'Sending it again cannot help; the cause in the log says what is wrong.',
    ...INVALID,
  },
  VALUE_REFUSED: {
    message: 'Column {column} has type {type}, received {value}',
    remedy: 'Sending the same spans again cannot help; correct the sender.',
    ...INVALID,
  },

  // ClickHouse
  CLICKHOUSE_URL_INVALID: {
    message: 'The URL of the ClickHouse server {problem}',
    remedy:
      'Give a URL such as https://host:8443/database; set the user with --clickhouse-user and the password with ORIGINSCOPE_CLICKHOUSE_PASSWORD or its _FILE.',
    retryable: false,
  },
  CLICKHOUSE_UNAVAILABLE: {
    message: 'ClickHouse does not answer at {server}',
    remedy: 'Check that the server is running, and the host, port and scheme of --clickhouse.',
    retryable: true,
  },
  CLICKHOUSE_FAILED: {
    message: 'ClickHouse at {server} answered with an error: {problem}',
    remedy: 'Try again; if it keeps failing, look at the log of the server.',
    retryable: true,
  },
  CLICKHOUSE_REFUSED: {
    message: 'ClickHouse at {server} rejected the statement: {problem}',
    remedy: 'Grant the user what the message names, or use another user with --clickhouse-user.',
    retryable: false,
  },
  CLICKHOUSE_LOGIN_REFUSED: {
    message: 'ClickHouse at {server} rejected the user name or password',
    remedy: 'Check --clickhouse-user, and the password in ORIGINSCOPE_CLICKHOUSE_PASSWORD or its _FILE.',
    retryable: false,
  },
  CLICKHOUSE_TLS_FAILED: {
    message: 'The TLS connection to ClickHouse at {server} failed: {problem}',
    remedy:
      'Give its certificate authority with --clickhouse-ca; check that the certificate is valid for the host, and that the port serves TLS.',
    retryable: false,
  },
  DATABASE_MISSING: {
    message: 'The ClickHouse server has no database {database}',
    remedy: 'Run "originscope migrate" with the same --clickhouse: it creates the database and its tables.',
    retryable: false,
  },
  CLUSTER_UNKNOWN: {
    message: 'The ClickHouse server does not define a cluster "{cluster}"',
    remedy:
      'Define it under remote_servers on every node, or give another --cluster. Defined clusters: {known}.',
    retryable: false,
  },
  CLUSTER_UNSUITABLE: {
    message: 'The cluster "{cluster}" is not configured as required: {problems}',
    remedy: 'Set remote_servers and macros on every node as docs/operations.md shows.',
    retryable: false,
  },
  ENGINE_MISSING: {
    message: 'The embedded ClickHouse engine is not installed',
    remedy:
      'It exists for Linux (glibc) and macOS, on x64 and arm64: install Originscope there, with optional dependencies. Elsewhere give the URL of a ClickHouse server with --clickhouse.',
    retryable: false,
  },
  ENGINE_UNAVAILABLE: {
    message: 'The embedded ClickHouse engine cannot open {directory}',
    remedy: 'Check that no other process uses the directory and that this user has write permission.',
    retryable: true,
  },
  DATA_DIRECTORY_UNUSABLE: {
    message: 'The data directory {path} {problem}',
    remedy: 'Choose a directory with --data that this user may write.',
    retryable: false,
  },
  DATA_DIRECTORY_IN_USE: {
    message: 'The data directory {path} is in use by "originscope {role}" (process {pid}, since {since})',
    remedy: 'Stop that process, or use another directory with --data.',
    retryable: true,
  },
  SCHEMA_MISSING: {
    message: 'There is no Originscope data in {place} yet',
    remedy:
      'Run "originscope migrate" for a ClickHouse server. An embedded database is created by "originscope up" or an import; --data says where it is.',
    retryable: false,
  },
  SCHEMA_OLDER: {
    message: 'The data was written by an older version of Originscope',
    remedy:
      'Run "originscope migrate" of this version for a ClickHouse server, or start "originscope up" once for an embedded database.',
    retryable: false,
  },
  SCHEMA_NEWER: {
    message: 'The data has schema step {step} ({name}), this version knows steps up to {known}',
    remedy: 'Use the newer version of Originscope that wrote it, or another data directory.',
    retryable: false,
  },
  SCHEMA_CHANGED: {
    message: 'Schema step {step} ({name}) was applied with other statements than this version has',
    remedy:
      'Use the version of Originscope that wrote the data, and the --cluster that it was migrated with (none for a single server).',
    retryable: false,
  },

  // Kafka
  NODE_TOO_OLD: {
    message: 'Node {version} cannot decompress Zstandard, which messages of Kafka may use',
    remedy: 'Run the commands that use Kafka on Node 22.15 or newer.',
    retryable: false,
  },
  KAFKA_UNAVAILABLE: {
    message: 'Kafka does not answer at {brokers}: {problem}',
    remedy:
      'Check that the brokers are running, --brokers, and --kafka-security with its user and certificates.',
    retryable: true,
  },
  KAFKA_DENIED: {
    message: 'Kafka at {brokers} rejected our credentials or certificate: {problem}',
    remedy: 'Check --kafka-security, --kafka-sasl, --kafka-user and its password, and the certificates.',
    retryable: false,
  },
  TOPIC_MISSING: {
    message: 'Kafka has no topic {topic}',
    remedy: 'Create it with "originscope topics create", or give another name with --topic.',
    retryable: false,
  },
  REPLICATION_IMPOSSIBLE: {
    message: '--replication {replication} needs as many brokers, and there are {brokers}',
    remedy: 'Start more brokers, or omit --replication.',
    retryable: false,
  },
  GROUP_ACTIVE: {
    message: 'The consumer group {group} has active members',
    remedy: 'Stop them first, or wait a minute if they were killed.',
    retryable: false,
  },
  SINCE_TOO_EARLY: {
    message: '--since {time} is more than 48 hours ago: most slots of that time are frozen',
    remedy: 'To read them again: originscope rebuild --since {time} --until TIME.',
    retryable: false,
  },
  WINDOW_EXPIRED: {
    message: '--since {since} lies before the minutes that are still kept',
    remedy: 'Give a --since after {keptSince}, or keep minutes longer (--keep-minutes).',
    retryable: false,
  },
  BATCH_TOO_LARGE: {
    message: '{batch} contains {problem}',
    remedy: 'Find its producer: a receiver never writes such a batch.',
    retryable: false,
  },
  BATCH_MALFORMED: {
    message: '{batch} cannot be read: {problem}',
    remedy: 'Find its producer, or check the disk of the broker that leads its partition.',
    retryable: false,
  },

  // Probing a server
  PROBE_FAILED: {
    message: 'The probe got no answer: {problem}',
    remedy: 'Check the URL and the network of this machine.',
    retryable: true,
  },
  PROBE_REDIRECT_LIMIT: {
    message: '{host} redirected more than {most} times',
    remedy: 'A browser gives up as well: look for a loop in the redirects above.',
    retryable: false,
  },

  // Incidents
  INCIDENT_UNKNOWN: {
    message: 'No incident, or more than one, has an id that begins with {id}',
    remedy: 'See "originscope incidents list" for the ids.',
    retryable: false,
  },

  // Alerting
  ALERT_NOT_DELIVERED: {
    message: '{receiver} did not accept alerts: {reason}',
    remedy: 'Check that the receiver is running and reachable; alerts are sent again until it accepts them.',
    retryable: true,
  },
  ALERT_REJECTED: {
    message: '{receiver} rejected alerts: {reason}',
    remedy: 'Check the URL and the credentials of this receiver, and its log.',
    retryable: false,
  },
  PAGE_RULES_INVALID: {
    message: '"{rule}" is not a valid page rule: {expected}',
    remedy:
      'Write class[:severity[:service]]=page, ticket or default, for example breakage:*:orders=page,*=ticket.',
    retryable: false,
  },
  WEBHOOK_SECRET_MISSING: {
    message: 'A webhook without a secret cannot be signed',
    remedy: 'Set ORIGINSCOPE_WEBHOOK_SECRET to the secret with which the receiver checks signatures.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof ERRORS;
export const ERROR_CODES = Object.keys(ERRORS) as readonly ErrorCode[];

/**
 * The attributes of a decision span: the contract between the instrumented services and the collector. Both
 * sides use this file; a test compares it with the table in the package's README.
 */

/** The instrumentation scope of decision spans, by which the collector recognises them. */
export const SCOPE_NAME = '@originscope/instrumentation-cors';
export const SCHEMA_URL = 'https://originscope.dev/schemas/cors/1';

export const SPAN_NAME_PREFLIGHT = 'CORS preflight';
export const SPAN_NAME_REQUEST = 'CORS request';

/** Replaces a value that exceeds its budget (origins, header lists, methods, hosts). */
export const OTHER = '(other)';

export type AttributeType = 'string' | 'string[]' | 'int' | 'boolean';

interface AttributeDefinition {
  readonly type: AttributeType;
  readonly description: string;
}

export const ATTRIBUTES = {
  'cors.decisions': {
    type: 'int',
    description: 'How many equal decisions this span stands for; always present',
  },
  'cors.decisions.total': {
    type: 'int',
    description:
      'Decisions this process has reported so far, this span included; with service.instance.id it shows what got lost',
  },
  'cors.kind': {
    type: 'string',
    description: '`preflight`, `actual`, or `ambiguous` where it cannot be told',
  },
  'cors.verdict': { type: 'string', description: 'What the browser does: `allowed`, `blocked`, `unknown`' },
  'cors.reason': { type: 'string', description: 'Why it is blocked or unknown; absent when allowed' },
  'cors.reason.detail': {
    type: 'string',
    description:
      'The failing token: a header value, method or header name; of a URL its origin, anything that may be a secret masked',
  },
  'cors.origin': {
    type: 'string',
    description:
      'The serialised origin, at most 256 characters; of an invalid one, marked so, scheme, host and port; `(other)` past the budget',
  },
  'cors.request.method': {
    type: 'string',
    description: 'The method a preflight asked for, else the method used; `(other)` if no registry has it',
  },
  'cors.request.headers': {
    type: 'string[]',
    description:
      'The header names a preflight asked for: lower-case, sorted, at most 32; `(other)` for what does not read like a name',
  },
  'cors.credentials': { type: 'string', description: '`included`, `omitted`, `unknown`' },
  'cors.allow_origin': {
    type: 'string',
    description:
      'Access-Control-Allow-Origin against the origin: `exact`, `wildcard`, `null`, `other`, `absent`',
  },
  'cors.allow_credentials': {
    type: 'boolean',
    description: 'Access-Control-Allow-Credentials was exactly `true`',
  },
  'cors.max_age': { type: 'int', description: 'Access-Control-Max-Age in seconds, when sent' },
  'cors.vary_origin': { type: 'boolean', description: 'The response varies on Origin' },
  'cors.site': {
    type: 'string',
    description: 'Sec-Fetch-Site: `cross-site`, `same-site`, `same-origin`, `none`, `unknown`',
  },
  'cors.browser': { type: 'boolean', description: 'Fetch metadata was present' },
  'cors.clients': {
    type: 'string',
    description:
      'Linear-counting bitmap of client prefixes (/24, /48), 64 bits as 16 hexadecimal digits, can be or-ed; absent behind an untrusted proxy',
  },
  'http.request.method': { type: 'string', description: 'The request method (`OPTIONS` on a preflight)' },
  'http.response.status_code': { type: 'int', description: 'The response status' },
  'http.route': { type: 'string', description: 'The route template, where it is known' },
  'server.address': { type: 'string', description: 'The host name that the client used for the API' },
  'url.path': {
    type: 'string',
    description: 'On blocked decisions: the route template, else the path with all but known words masked',
  },
} as const satisfies Record<string, AttributeDefinition>;

export type AttributeName = keyof typeof ATTRIBUTES;

/**
 * Set on the HTTP server span of the same request, so that traces show the verdict and nothing downstream
 * derives the decision again. `cors.kind`, `cors.verdict` and `cors.reason` are set with it.
 */
export const OBSERVED = 'cors.observed';

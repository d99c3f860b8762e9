import type { AsyncLocalStorage } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';

/** The context key that tells OpenTelemetry's instrumentations not to trace (a `Symbol.for`). */
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');
const UNTRACED = ROOT_CONTEXT.setValue(SUPPRESS_TRACING, true);

type Run = <Result>(task: () => Result) => Result;

/**
 * Runs a task whose requests no agent in the process shall trace, count, add headers to, or attach to error
 * reports. Agents have no common way to say so: each is told in the way in which its own requests are.
 */
export function untraced<Result>(task: () => Result): Result {
  const runs: readonly Run[] = [
    (inner) => context.with(UNTRACED, inner),
    ...attempt(suppressSentry),
    ...attempt(suppressDatadog),
  ];
  return runs.reduceRight<() => Result>((inner, run) => () => run(inner), task)();
}

/** Their internals may change: then the request is traced, but sent. */
function attempt(find: () => readonly Run[]): readonly Run[] {
  try {
    return find();
  } catch {
    return [];
  }
}

interface SentryScope {
  setSDKProcessingMetadata(metadata: Readonly<Record<string, unknown>>): unknown;
}

interface SentryStrategy {
  suppressTracing?: Run;
  withScope?<Result>(task: (scope: SentryScope) => Result): Result;
}

/** As `suppressTracing` of @sentry/core does it. Each version of that in the process has a carrier. */
function suppressSentry(): readonly Run[] {
  const { __SENTRY__: carriers } = globalThis as { __SENTRY__?: Readonly<Record<string, unknown>> };
  return Object.values(carriers ?? {}).flatMap((carrier): Run[] => {
    const { acs } = carrier as { readonly acs?: SentryStrategy };
    if (acs?.suppressTracing !== undefined) return [acs.suppressTracing];
    const withScope = acs?.withScope;
    if (withScope === undefined) return [];
    return [
      (task) =>
        withScope((scope) => {
          scope.setSDKProcessingMetadata({ __SENTRY_SUPPRESS_TRACING__: true });
          return task();
        }),
    ];
  });
}

/** Of its integrations for HTTP and for sockets; an application may switch off one. */
const DATADOG_CHANNELS = ['apm:http:client:request:start', 'apm:net:tcp:start'];

/** As the exporter of dd-trace does it. Its store is not public, but bound to the channels that it listens to. */
function suppressDatadog(): readonly Run[] {
  const stores = DATADOG_CHANNELS.flatMap((name) => {
    const { _stores } = channel(name) as { _stores?: ReadonlyMap<AsyncLocalStorage<unknown>, unknown> };
    return [...(_stores?.keys() ?? [])];
  });
  return [...new Set(stores)].map((store) => (task) => store.run({ noop: true }, task));
}

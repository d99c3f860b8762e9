import { DiagConsoleLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { onTestFinished } from 'vitest';
import { watchFastifyRoutes } from '../../instrumentation/src/http/fastify-route.ts';
import { watchHttp1 } from '../../instrumentation/src/http/http1.ts';
import { watchHttp2 } from '../../instrumentation/src/http/http2.ts';
import type { Observation, Recorder } from '../../instrumentation/src/observation.ts';
import { createObserver } from '../../instrumentation/src/observer.ts';
import { type CorsInstrumentationConfig, resolveOptions } from '../../instrumentation/src/options.ts';

/** A recorder that keeps what it is given. */
export function keepingRecorder(): Recorder & { readonly observations: Observation[] } {
  const observations: Observation[] = [];
  return {
    observations,
    record: (observation) => void observations.push(observation),
    flush: async () => {},
    shutdown: async () => {},
  };
}

/** Observes this thread's servers until the test ends; returns what was observed so far, growing. */
export function observeServers(config: CorsInstrumentationConfig = {}): Observation[] {
  diag.setLogger(new DiagConsoleLogger(), { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
  const recorder = keepingRecorder();
  const observe = createObserver(resolveOptions(config, {}), recorder);
  for (const stop of [watchHttp1(observe), watchHttp2(observe), watchFastifyRoutes()]) onTestFinished(stop);
  return recorder.observations;
}

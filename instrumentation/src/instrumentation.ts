import { type MeterProvider, type TracerProvider, trace } from '@opentelemetry/api';
import { type ActiveObserver, startObserver } from './active.ts';
import { SCOPE_NAME } from './attributes.ts';
import { watchFastifyRoutes } from './http/fastify-route.ts';
import { watchHttp1 } from './http/http1.ts';
import { watchHttp2 } from './http/http2.ts';
import { log, showWarnings } from './log.ts';
import { type CorsInstrumentationConfig, type Options, resolveOptions } from './options.ts';
import { VERSION } from './version.ts';

/**
 * Reports what browsers do with the responses of every `node:http`, `https` and `http2` server in this
 * thread. One instance is active per thread; creating another replaces it.
 *
 * It is an `Instrumentation` of OpenTelemetry by its form. The base class of its package would load code that
 * patches modules, which bundles of ECMAScript modules cannot run.
 */
export class CorsInstrumentation {
  readonly instrumentationName: string = SCOPE_NAME;
  readonly instrumentationVersion: string = VERSION;
  private options: Options;
  private observer: ActiveObserver | undefined;
  private tracerProvider: TracerProvider | undefined;

  /** @throws InvalidOption (code `ORIGINSCOPE_INVALID_OPTION`) for an unknown option or a value of the wrong type */
  constructor(config: CorsInstrumentationConfig = {}) {
    this.options = resolveOptions(config, process.env);
    this.enable();
  }

  /** The resolved options. */
  getConfig(): CorsInstrumentationConfig {
    return this.options;
  }

  /** Replaces all options, as in the constructor; a running observer restarts with them. */
  setConfig(config: CorsInstrumentationConfig): void {
    this.options = resolveOptions(config, process.env);
    if (this.observer === undefined) return;
    this.disable();
    this.enable();
  }

  /** Only `delivery: 'provider'` uses it. */
  setTracerProvider(tracerProvider: TracerProvider): void {
    this.tracerProvider = tracerProvider;
  }

  /** It has no metrics. */
  setMeterProvider(_meterProvider: MeterProvider): void {}

  /** Observes from now on, unless the option `enabled` is false. */
  enable(): void {
    // `registerInstrumentations` calls this even if `enabled` is false.
    if (this.observer !== undefined || !this.options.enabled) return;
    if ('bun' in process.versions) warnOfBun();
    // Resolved late: the provider that is set when spans are created.
    const provider: TracerProvider = {
      getTracer: (...scope) => (this.tracerProvider ?? trace.getTracerProvider()).getTracer(...scope),
    };
    this.observer = startObserver(this.options, provider, [watchHttp1, watchHttp2, watchFastifyRoutes]);
  }

  /** Stops observing; pending spans are still sent. */
  disable(): void {
    this.observer?.stop();
    this.observer = undefined;
  }

  /**
   * Sends pending spans, for instance before `process.exit` or before a function is frozen.
   *
   * @param timeoutMillis maximum time to wait
   */
  async flush(timeoutMillis?: number): Promise<void> {
    await this.observer?.flush(timeoutMillis);
  }
}

/** Otherwise nothing would be reported, and nobody told. */
function warnOfBun(): void {
  showWarnings();
  log(
    'warn',
    'Bun does not publish the events of node:http servers, so their requests are not observed. ' +
      'Pass each request and its response to observe(), or run the service on Node.js.',
  );
}

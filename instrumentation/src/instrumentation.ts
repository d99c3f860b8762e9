import { type TracerProvider, trace } from '@opentelemetry/api';
import { InstrumentationBase } from '@opentelemetry/instrumentation';
import { type ActiveObserver, startObserver } from './active.ts';
import { SCOPE_NAME } from './attributes.ts';
import { watchFastifyRoutes } from './http/fastify-route.ts';
import { watchHttp1 } from './http/http1.ts';
import { watchHttp2 } from './http/http2.ts';
import { type CorsInstrumentationConfig, type Options, resolveOptions } from './options.ts';
import { VERSION } from './version.ts';

/**
 * Reports what browsers do with the responses of every `node:http`, `https` and `http2` server in this
 * thread. One instance is active per thread; creating another replaces it.
 */
export class CorsInstrumentation extends InstrumentationBase<CorsInstrumentationConfig> {
  // The base constructor calls `setConfig` and `enable`; field initialisers would run afterwards and reset
  // these.
  declare private options: Options;
  declare private observer: ActiveObserver | undefined;
  declare private tracerProvider: TracerProvider | undefined;

  /** @throws InvalidOption (code `ORIGINSCOPE_INVALID_OPTION`) for an unknown option or a value of the wrong type */
  constructor(config: CorsInstrumentationConfig = {}) {
    super(SCOPE_NAME, VERSION, config);
  }

  /** Nothing is patched: Node publishes server events on diagnostics channels. */
  protected override init(): void {}

  /** Replaces all options, as in the constructor; a running observer restarts with them. */
  override setConfig(config: CorsInstrumentationConfig): void {
    this.options = resolveOptions(config, process.env);
    super.setConfig(this.options);
    if (this.observer === undefined) return;
    this.disable();
    this.enable();
  }

  /** Only `delivery: 'provider'` uses it. */
  override setTracerProvider(tracerProvider: TracerProvider): void {
    super.setTracerProvider(tracerProvider);
    this.tracerProvider = tracerProvider;
  }

  override enable(): void {
    super.enable();
    // `registerInstrumentations` calls this even if `enabled` is false.
    if (this.observer !== undefined || !this.options.enabled) return;
    // Resolved late: the provider that is set when spans are created.
    const provider: TracerProvider = {
      getTracer: (...scope) => (this.tracerProvider ?? trace.getTracerProvider()).getTracer(...scope),
    };
    this.observer = startObserver(this.options, provider, [watchHttp1, watchHttp2, watchFastifyRoutes]);
  }

  /** Stops observing; pending spans are still sent. */
  override disable(): void {
    super.disable();
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

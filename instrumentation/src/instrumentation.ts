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
 * Reports what browsers do with the answers of every `node:http`, `https` and `http2` server in this thread.
 * One is active in a thread: creating another one replaces it.
 */
export class CorsInstrumentation extends InstrumentationBase<CorsInstrumentationConfig> {
  // The base's constructor calls `setConfig` and `enable`: initialisers would run after it and wipe these.
  declare private options: Options;
  declare private observer: ActiveObserver | undefined;
  declare private tracerProvider: TracerProvider | undefined;

  /** @throws InvalidOption (code `ORIGINSCOPE_INVALID_OPTION`) for an unknown option or a value of the wrong type */
  constructor(config: CorsInstrumentationConfig = {}) {
    super(SCOPE_NAME, VERSION, config);
  }

  /** Nothing is patched: Node tells about its servers by diagnostics channels. */
  protected override init(): void {}

  /** Replaces all options, as the constructor takes them; what is running starts anew with them. */
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
    // `registerInstrumentations` enables what the options say is not.
    if (this.observer !== undefined || !this.options.enabled) return;
    // Whichever the application has by the time that spans are due.
    const provider: TracerProvider = {
      getTracer: (...scope) => (this.tracerProvider ?? trace.getTracerProvider()).getTracer(...scope),
    };
    this.observer = startObserver(this.options, provider, [watchHttp1, watchHttp2, watchFastifyRoutes]);
  }

  /** Observes nothing any more; what is pending is still sent. */
  override disable(): void {
    super.disable();
    this.observer?.stop();
    this.observer = undefined;
  }

  /**
   * Sends what is pending: before a process ends by `process.exit`, or a function is frozen.
   *
   * @param timeoutMillis how long to wait at most
   */
  async flush(timeoutMillis?: number): Promise<void> {
    await this.observer?.flush(timeoutMillis);
  }
}

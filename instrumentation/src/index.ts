export { CorsInstrumentation } from './instrumentation.ts';
export { type FetchDetails, flush, observe } from './observe.ts';
export type { CorsInstrumentationConfig, RequestInfo } from './options.ts';
export type { RedactableText } from './redaction.ts';

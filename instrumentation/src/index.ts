export { type FetchDetails, flush, observe } from './fetch-handler.ts';
export { type NodeRequest, setRoute } from './http/set-route.ts';
export { CorsInstrumentation } from './instrumentation.ts';
export type { CorsInstrumentationConfig, RequestInfo } from './options.ts';
export type { RedactableText } from './redaction.ts';

import type { Note } from '../../instrumentation/src/fetch-standard/decision.ts';
import { MAX_AGE_CAPS } from '../../instrumentation/src/fetch-standard/max-age.ts';
import { durationText } from '../duration-text.ts';

/** What each note means and what to do about it, in one or two sentences. */
export const NOTE_TEXTS: Readonly<Record<Note, string>> = {
  missing_vary_origin:
    'The response depends on Origin but does not declare it. A cache may serve one origin\'s response to another, which then fails: send "Vary: Origin" with every response of this URL.',
  authorization_covered_by_wildcard:
    'Authorization is only allowed by "*". Browsers still accept that with a warning; the standard forbids it: list it in Access-Control-Allow-Headers.',
  wildcard_with_credentials:
    '"Access-Control-Allow-Origin: *" with "Access-Control-Allow-Credentials: true" is never accepted for a request with credentials. Send the single origin, or do not allow credentials.',
  reflects_null:
    'Origin null is allowed. Any sandboxed frame and any local file has it, so everyone can use it: remove it from the list.',
  preflight_uncached: `The preflight is hardly cached, so it precedes nearly every request. Send "Access-Control-Max-Age: ${MAX_AGE_CAPS.chrome}", the maximum of Chrome; the maximum of Firefox is ${durationText(MAX_AGE_CAPS.firefox)}, of Safari ${durationText(MAX_AGE_CAPS.safari)}.`,
  exposed_headers: 'Access-Control-Expose-Headers lets pages read additional headers of this response.',
  server_error_without_cors:
    'The server responded with an error and no CORS headers: what failed there (upstream, proxy, rate limiter, authentication) is the cause, CORS only a symptom. Look there first.',
  reason_depends_on_credentials:
    'This does not show whether the request has credentials (only preflights of Firefox do). It is blocked either way, and the reason is the one without credentials; with them an earlier check fails, which the browser then reports. If pages send cookies here, both must be fixed.',
};

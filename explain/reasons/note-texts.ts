import type { Note } from '../../instrumentation/src/fetch-standard/decision.ts';
import { MAX_AGE_CAPS } from '../../instrumentation/src/fetch-standard/max-age.ts';
import { durationText } from '../duration-text.ts';

/** What each note means and what to do about it. One or two sentences. */
export const NOTE_TEXTS: Readonly<Record<Note, string>> = {
  missing_vary_origin:
    'The answer depends on Origin and does not say so. A cache may give one origin\'s answer to another, which then fails: send "Vary: Origin", with every answer of this URL.',
  authorization_covered_by_wildcard:
    'Authorization is allowed by "*" alone. Browsers still accept that and warn; the standard refuses it: name it in Access-Control-Allow-Headers.',
  wildcard_with_credentials:
    '"Access-Control-Allow-Origin: *" with "Access-Control-Allow-Credentials: true" is a pair that no browser accepts from a request with credentials. Send the one origin, or leave credentials out.',
  reflects_null:
    'Origin null is allowed. Any sandboxed frame and any local file has it, so it stands for everybody: leave it out of the list.',
  preflight_uncached: `The preflight may hardly be cached, so it goes before every request. Send "Access-Control-Max-Age: ${MAX_AGE_CAPS.chromium}", which is as long as Chrome keeps it; Firefox keeps it ${durationText(MAX_AGE_CAPS.firefox)} at most, Safari ${durationText(MAX_AGE_CAPS.safari)}.`,
  exposed_headers: 'Access-Control-Expose-Headers lets pages read further headers of this answer.',
  server_error_without_cors:
    'The server failed, or refused, without any CORS header: what failed there (upstream, proxy, limiter, authentication) is the cause, CORS only the symptom. Look there first.',
  reason_depends_on_credentials:
    'This does not show whether the request has credentials (of preflights only those of Firefox do). It is refused either way, and the reason is the one without them; with them an earlier check fails, which is what the browser then names. If pages send cookies here, both have to change.',
};

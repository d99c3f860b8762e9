import { randomUUID } from 'node:crypto';
import type { Attributes } from '@opentelemetry/api';
import { VERSION } from '../version.ts';
import { type Environment, firstOf, readPairs } from './environment.ts';

/** A decoder may truncate longer instance ids and lose the part that makes ours unique. */
const MAX_GIVEN_INSTANCE = 80;

/**
 * The resource of decision spans: OTEL_SERVICE_NAME over OTEL_RESOURCE_ATTRIBUTES over defaults.
 *
 * `cors.decisions.total` is a running sum of this run of this thread, so each needs a unique
 * `service.instance.id`. An id from the environment is shared by cluster workers, worker threads and
 * restarted containers, so it becomes a prefix of ours.
 */
export function resourceOf(env: Environment): Attributes {
  const given = Object.fromEntries(readPairs(env, 'OTEL_RESOURCE_ATTRIBUTES'));
  const instance = given['service.instance.id']?.slice(0, MAX_GIVEN_INSTANCE);
  return {
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': 'originscope',
    'telemetry.sdk.version': VERSION,
    ...given,
    'service.name': firstOf(env, 'OTEL_SERVICE_NAME') ?? (given['service.name'] || 'unknown_service:node'),
    'service.instance.id': instance ? `${instance}/${randomUUID().slice(0, 8)}` : randomUUID(),
  };
}

import type { Annotation } from './definition.ts';
import { FROM, hashOf, TO } from './query-text.ts';
import { withoutMarkup } from './shared.ts';

/** Whether an incident was open at the end of the range. */
export const IS_OPEN = `(resolved_at IS NULL OR resolved_at > ${TO})`;

/** The value that selects an incident. */
export const INCIDENT_ID = hashOf('id');

/**
 * What stands behind FROM: the newest version of each incident that was open at any time of the range. The table
 * has every version, and those of two analyzers may be in it twice.
 *
 * @param where which incidents, over the columns of the table
 */
export function incidents(where: string): string {
  return `(
    SELECT * FROM incidents FINAL
    WHERE (id, at) IN (SELECT id, max(at) FROM incidents GROUP BY id)
      AND started_at <= ${TO} AND (resolved_at IS NULL OR resolved_at >= ${FROM}) AND ${where}) AS incidents`;
}

/** The class in words. */
export const CLASS = `replaceAll(class, '_', ' ')`;

/** From the start of an incident to its end. @param where which incidents */
export function incidentMarks(where: string): Annotation {
  return {
    name: 'Incidents',
    color: 'red',
    sql: `SELECT greatest(started_at, ${FROM}) AS time, least(ifNull(resolved_at, ${TO}), ${TO}) AS timeEnd,
      concat(${CLASS}, ': ', ${withoutMarkup('service')}, ', ', subject_kind, ' ', ${withoutMarkup('subject_value')}) AS text,
      concat('incident,', severity) AS tags
    FROM ${incidents(where)} ORDER BY time, id LIMIT 200`,
  };
}

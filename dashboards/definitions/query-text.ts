import { BLOCKED_DIMENSIONS, type Dimension, USAGE_NAMES, whereBlocked } from '../../clickhouse/columns.ts';

/** What every query may refer to, as `{name:Type}`. */
export const FROM = "{from:DateTime('UTC')}";
export const TO = "{to:DateTime('UTC')}";
/** Seconds between two points that can be told apart on the screen; at least 1. Only in panels over time. */
const INTERVAL = '{interval:UInt32}';

/** Longer ranges are read from usage by the hour. */
const LONGEST_IN_MINUTES = 86_400;
const IS_LONG = `${TO} - ${FROM} > ${LONGEST_IN_MINUTES}`;

/** Seconds of a point in panels over time: never less than the usage has. */
export const STEP = `greatest(${INTERVAL}, if(${IS_LONG}, 3600, 60))`;

export const TIME = `toStartOfInterval(usage.time, toIntervalSecond(${STEP}), 'UTC') AS time`;

export const perMinute = (decisions: string): string => `${decisions} * 60 / ${STEP}`;

/** Null where there is nothing to divide by. */
export const ratio = (part: string, whole: string): string => `${part} / nullIf(${whole}, 0)`;

// Qualified, because statements name their results `decisions`, too.
export const DECISIONS = 'sum(usage.decisions)';
export const decisionsWhere = (condition: string): string => `sumIf(usage.decisions, ${condition})`;
export const BLOCKED = decisionsWhere(`verdict = 'blocked'`);
export const BLOCKED_SHARE = ratio(BLOCKED, DECISIONS);

/** The opaque value that stands for a name in variables and links. */
export const hashOf = (column: string): string => `toString(sipHash64(${column}))`;

/** Whether a query variable selects the column's value; 0 selects all. */
export function selected(column: string, variable: string = column): string {
  const values = `{${variable}:Array(UInt64)}`;
  return `(has(${values}, 0) OR has(${values}, sipHash64(${column})))`;
}

/**
 * Requests that a gateway and a service behind it both saw, counted once: as long as all services are selected.
 */
export const COUNTED_ONCE = `(outermost OR NOT has({service:Array(UInt64)}, 0))`;

const MIDNIGHT = `toStartOfDay(oldest_minute, 'UTC')`;
/**
 * From when on usage by the minute is whole. It expires earlier than usage by the hour, and not a whole day at once.
 * Both minima are read from the parts' indexes.
 */
const MINUTES_SINCE = `(SELECT multiIf(
      oldest_minute = 0 AND oldest_hour > 0, toDateTime(4294967295, 'UTC'),
      oldest_hour < toStartOfHour(oldest_minute, 'UTC') AND oldest_hour > 0, ${MIDNIGHT} + 86400,
      toDateTime(0, 'UTC'))
    FROM (SELECT min(minute) AS oldest_minute FROM usage_minutes) AS minutes,
      (SELECT min(hour) AS oldest_hour FROM usage_hours) AS hours)`;

/** From which hour on hours may not be published. */
export const OPEN_SINCE = '(SELECT hour FROM open_since)';

interface Usage {
  /** Which decisions, over the columns of `origin_usage`. */
  readonly where: string;
  readonly from?: string;
  readonly to?: string;
  /**
   * The columns that the statement needs beside `time` and `decisions`. ClickHouse keeps sums of hours by some columns
   * (schema step 7): where these and those of `where` are among them, a month takes milliseconds. Default: all.
   */
  readonly of?: readonly (Dimension | 'outermost')[];
  /** `time` is the first one of each combination of the columns only, which makes far fewer rows. */
  readonly firstTimes?: boolean;
  /** Blocked decisions alone, of which the sums have more columns. */
  readonly blocked?: boolean;
}

/**
 * What stands behind FROM: usage in the range, with `time` in place of minute and hour. Everything before one full
 * hour, the seam, is read from published hours, everything from it on by the minute, so each decision is counted
 * once. In a long range the seam is the hour in which the range ends, or an earlier one that is not published; in
 * others it is the time from which on minutes are kept. A long range begins with the whole hour that its beginning
 * lies in.
 */
export function usage(options: Usage): string {
  const { where, from = FROM, to = TO, of, firstTimes = false, blocked = false } = options;
  const condition = blocked ? `verdict = 'blocked' AND ${where}` : where;
  const columns = (of ?? USAGE_NAMES).map((name) => expressionOf(name, blocked));
  const rows = [...columns, 'decisions', ...(of === undefined ? ['clients'] : [])].join(', ');
  const hours = `FROM usage_published_hours
    WHERE hour >= toStartOfHour(${from}) AND hour < seam AND hour <= ${to} AND ${condition}`;
  return `(
    WITH ${MINUTES_SINCE} AS minutes_since,
      ${to} - ${from} > ${LONGEST_IN_MINUTES} AS is_long,
      greatest(minutes_since, if(is_long, least(toStartOfHour(${to}), ${OPEN_SINCE}), toDateTime(0, 'UTC'))) AS seam
    SELECT minute AS time, ${rows} FROM origin_usage
    WHERE minute >= greatest(if(is_long, toStartOfHour(${from}), ${from}), seam) AND minute <= ${to} AND ${condition}
    UNION ALL
    ${
      of === undefined
        ? `SELECT hour AS time, ${rows} ${hours}`
        : `SELECT ${firstTimes ? 'min(hour)' : 'hour'} AS time, ${[...columns, 'sum(decisions) AS decisions'].join(', ')} ${hours}
    GROUP BY ${[...(firstTimes ? [] : ['time']), ...of].join(', ')}`
    }
  ) AS usage`;
}

/** Of blocked decisions in the words in which the sums have them. */
function expressionOf(name: string, blocked: boolean): string {
  const dimension = BLOCKED_DIMENSIONS.find((each) => each === name);
  return blocked && dimension !== undefined ? `${whereBlocked(dimension)} AS ${name}` : name;
}

/** The names of a column in the range, the busiest first: the options of a variable. */
export function namesOf(column: Dimension, where: string): string {
  return `SELECT ${hashOf(column)} AS value, if(${column} = '', '(none)', ${column}) AS text
    FROM ${usage({ where, of: [column], firstTimes: true })} GROUP BY ${column} ORDER BY ${DECISIONS} DESC, text LIMIT 1000`;
}

import { type LogEntry, logLevel } from 'kafkajs';
import type { Logger } from 'pino';

const INTERVAL_MILLIS = 60_000;

/**
 * Passes lines of kafkajs to the log, one level lower, because it logs every retry as an error; what fails for good is
 * logged by whoever called it. At most one line a minute is visible by default; it says how many were not.
 *
 * @param now milliseconds, of any clock
 */
export function kafkajsLog(log: Logger, now = (): number => performance.now()): (entry: LogEntry) => void {
  let loggedAt = Number.NEGATIVE_INFINITY;
  let suppressed = 0;
  return ({ level, namespace, log: { message, error, ...rest } }) => {
    if (level === logLevel.NOTHING) return;
    const fields = { kafka: namespace, error, ...pick(rest) };
    if (level !== logLevel.ERROR) {
      log.debug(fields, message);
    } else if (now() - loggedAt < INTERVAL_MILLIS) {
      suppressed++;
      log.debug(fields, message);
    } else {
      log.warn({ ...fields, ...(suppressed > 0 && { othersSinceTheLastLine: suppressed }) }, message);
      loggedAt = now();
      suppressed = 0;
    }
  };
}

/** Selects fields of a kafkajs log line that cannot contain a secret or a message. */
function pick({ broker, groupId, topic, retryCount }: Readonly<Record<string, unknown>>) {
  return { broker, groupId, topic, retryCount };
}

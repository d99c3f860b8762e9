/** Rows that share one answer. */
export interface QueuedRequest<Row> {
  readonly rows: readonly Row[];
  readonly bytes: number;
  resolve(): void;
  reject(error: Error): void;
}

/** Requests in the order in which they came, taken in groups of one insert. */
export interface RequestQueue<Row> {
  readonly length: number;
  /** Whether there is enough for a whole insert. */
  hasFullGroup(): boolean;
  push(request: QueuedRequest<Row>): void;
  /** The first requests, up to the limits; at least one, where there is any. */
  takeGroup(): QueuedRequest<Row>[];
}

/** The most of one insert; a single request may be larger. */
export interface GroupLimits {
  readonly maxInsertRows: number;
  readonly maxInsertBytes: number;
}

export function createRequestQueue<Row>({ maxInsertRows, maxInsertBytes }: GroupLimits): RequestQueue<Row> {
  const queue: QueuedRequest<Row>[] = [];
  let queuedRows = 0;
  let queuedBytes = 0;
  return {
    get length() {
      return queue.length;
    },
    hasFullGroup: () => queuedRows >= maxInsertRows || queuedBytes >= maxInsertBytes,
    push(request) {
      queue.push(request);
      queuedRows += request.rows.length;
      queuedBytes += request.bytes;
    },
    takeGroup() {
      let rows = 0;
      let bytes = 0;
      const end = queue.findIndex((request, index) => {
        if (
          index > 0 &&
          (rows + request.rows.length > maxInsertRows || bytes + request.bytes > maxInsertBytes)
        ) {
          return true;
        }
        rows += request.rows.length;
        bytes += request.bytes;
        return false;
      });
      queuedRows -= rows;
      queuedBytes -= bytes;
      return queue.splice(0, end === -1 ? queue.length : end);
    },
  };
}

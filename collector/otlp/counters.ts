import { noRejections, type RejectionCounts } from './decoding-result.ts';

/**
 * Counters of the receiver since its start. Every completed request for /v1/traces is in exactly one of the
 * request counts, and every span of an accepted or refused request in exactly one of the span counts.
 */
export interface ReceiverCounters {
  readonly requests: {
    /** 200: all accepted spans are written. */
    accepted: number;
    /** 400: not valid OTLP or not valid gzip. */
    malformed: number;
    /** 400: ClickHouse permanently rejects its rows. */
    refused: number;
    unauthenticated: number;
    /** 403: from a web page, or with a foreign Host, where only this machine may send. */
    forbidden: number;
    /** 413: too large, or an implausible compression ratio. */
    tooLarge: number;
    /** 415: an unsupported content type or encoding. */
    unsupported: number;
    /** 503: too many bytes were pending. */
    overloaded: number;
    /** 503: the write failed for another reason. */
    failed: number;
    /** The sender disconnected before its body was complete. */
    aborted: number;
    /** 503: the body did not arrive in time. */
    timedOut: number;
    /** For /v1/metrics and /v1/logs: answered, but not stored. */
    otherSignals: number;
  };
  readonly spans: {
    accepted: number;
    /** Spans that are not CORS decisions. */
    passedOver: number;
    /** Spans of requests that were rejected as a whole. */
    refused: number;
    readonly rejected: RejectionCounts;
  };
  /** Bytes of decoded bodies, after inflating. */
  bytes: number;
  /** Bytes of bodies that are being read or written at the moment. */
  heldBytes: number;
  /** Connections that were closed because there were too many, slowest senders first. */
  closedConnections: number;
}

export const noReceiverCounts = (): ReceiverCounters => ({
  requests: {
    accepted: 0,
    malformed: 0,
    refused: 0,
    unauthenticated: 0,
    forbidden: 0,
    tooLarge: 0,
    unsupported: 0,
    overloaded: 0,
    failed: 0,
    aborted: 0,
    timedOut: 0,
    otherSignals: 0,
  },
  spans: { accepted: 0, passedOver: 0, refused: 0, rejected: noRejections() },
  bytes: 0,
  heldBytes: 0,
  closedConnections: 0,
});

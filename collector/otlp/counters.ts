import { noRejections, type RejectionCounts } from './decoded.ts';

/**
 * What the receiver did since it started. Every request for /v1/traces that is over is in exactly one of the
 * request counts, and every span of an accepted or refused request in exactly one of the span counts.
 */
export interface ReceiverCounters {
  readonly requests: {
    /** Answered 200: all that was accepted of it is written. */
    accepted: number;
    /** 400: no OTLP, or compressed badly. */
    malformed: number;
    /** 400: ClickHouse does not take its rows, however often they are sent. */
    refused: number;
    unauthenticated: number;
    /** 403: from a page, or by a name that is not this machine's, where only this machine may send. */
    forbidden: number;
    /** 413: or it inflates as no real body does. */
    tooLarge: number;
    /** 415: a content type or encoding that is not spoken here. */
    unsupported: number;
    /** 503: too much was waiting already. */
    overloaded: number;
    /** 503: the write failed for another reason. */
    failed: number;
    /** The sender went away before its body was there. */
    aborted: number;
    /** 503: its body did not arrive in time. */
    timedOut: number;
    /** For /v1/metrics and /v1/logs: answered, but nothing of them is kept. */
    otherSignals: number;
  };
  readonly spans: {
    accepted: number;
    /** No CORS decisions. */
    passedOver: number;
    /** Of requests that were refused as a whole. */
    refused: number;
    readonly rejected: RejectionCounts;
  };
  /** Bytes of bodies as they were decoded, after inflating. */
  bytes: number;
  /** Bytes of bodies that are being read, or wait for their write, at this moment. */
  heldBytes: number;
  /** Connections that were closed because there were too many, and their senders the slowest. */
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

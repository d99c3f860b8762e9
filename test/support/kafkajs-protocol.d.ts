/** Parts of kafkajs that it does not export: the bytes of its protocol. */
declare module 'kafkajs/src/protocol/decoder.js' {
  export default class Decoder {
    constructor(bytes: Buffer);
    readonly offset: number;
  }
}

declare module 'kafkajs/src/protocol/recordBatch/v0/decoder.js' {
  import type { RecordBatchEntry } from 'kafkajs';
  import type Decoder from 'kafkajs/src/protocol/decoder.js';

  export default function decodeRecordBatch(
    decoder: Decoder,
  ): Promise<{ readonly records: readonly RecordBatchEntry[] }>;
}

declare module 'kafkajs/src/protocol/recordBatch/v0/index.js' {
  export function RecordBatch(batch: {
    compression?: number;
    firstOffset?: number;
    firstTimestamp: number;
    maxTimestamp: number;
    producerId: number;
    producerEpoch?: number;
    firstSequence?: number;
    lastOffsetDelta: number;
    transactional?: boolean;
    records: readonly object[];
  }): Promise<{ readonly buffer: Buffer }>;
}

declare module 'kafkajs/src/protocol/recordBatch/record/v0/index.js' {
  import type { IHeaders } from 'kafkajs';

  export default function Record(record: {
    offsetDelta: number;
    timestampDelta: number;
    key: Buffer | null;
    value: Buffer | null;
    headers: IHeaders;
  }): { readonly buffer: Buffer };
}

declare module 'kafkajs/src/protocol/messageSet/index.js' {
  export default function MessageSet(set: {
    messageVersion: 0 | 1;
    compression: number;
    entries: readonly {
      key: Buffer | null;
      value: Buffer | null;
      timestamp?: number;
      compression?: number;
    }[];
  }): { readonly buffer: Buffer };
}

declare module 'kafkajs/src/protocol/requests/fetch/v11/response.js' {
  export function decode(answer: Buffer): Promise<object>;
}

declare module 'kafkajs/src/protocol/recordBatch/crc32C/index.js' {
  export default function crc32C(bytes: Buffer): number;
}

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

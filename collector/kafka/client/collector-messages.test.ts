import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { recordsOf } from '../../../test/support/record-batches.ts';
import { decodeTraces } from '../../otlp/decode.ts';
import { acceptedWindow } from '../../otlp/decoding-result.ts';
import { registerCodecs } from './kafkajs-patches/codecs.ts';
import { decodeMessage } from './message.ts';
import { COMPRESSIONS } from './options.ts';

const MESSAGES = join(import.meta.dirname, '../../../test/fixtures/collector-messages');
const sent = JSON.parse(readFileSync(join(MESSAGES, 'sent.json'), 'utf8')) as object[];

beforeAll(registerCodecs);

describe('messages that an OpenTelemetry Collector writes to Kafka are decoded to what was sent to it', () => {
  describe.each(['otlp_proto', 'otlp_json'])('%s', (encoding) => {
    test.each(COMPRESSIONS)('%s', async (compression) => {
      const records = await recordsOf(readFileSync(join(MESSAGES, `${encoding}-${compression}.batches`)));
      const window = acceptedWindow(Number(records[0]?.timestamp));
      const expected = sent.map((request) =>
        decodeTraces(Buffer.from(JSON.stringify(request)), 'json', window),
      );
      expect(expected.map(({ spans }) => spans.length)).toEqual([12, 3]);
      expect(records.map((record) => decodeMessage(record, window))).toEqual(expected);
    });
  });
});

import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { request } from '../support/consuming.ts';
import { startKafka } from '../support/kafka.ts';
import { describeKafka, temporaryTopic } from '../support/kafka-run.ts';
import { messagesIn } from '../support/messages-in.ts';
import { encodeRequest } from '../support/otlp-schema.ts';
import { postTraces, receiving } from '../support/receiving.ts';
import { until } from '../support/until.ts';

const SENDERS = 8;

describeKafka('a receiver whose broker', () => {
  // Most of the time a broker starts, which takes its time on a busy machine.
  test('fails, and then does not respond, rejects every sender, loses nothing, and needs no restart', {
    timeout: 150_000,
  }, async () => {
    const own = await startKafka();
    onTestFinished(own.close);
    const broker = own.nodes[0];
    if (broker === undefined) throw new Error('no broker');
    const topic = await temporaryTopic(own.brokers, { partitions: 4 });
    const { url, counters, produced, lines } = await receiving({ kafka: { brokers: own.brokers }, topic });
    const isReady = async (): Promise<boolean> => (await fetch(`${url}/readyz`)).ok;
    await until(isReady, 50);

    const answered: string[] = [];
    const refusals: (string | null)[] = [];
    let isOver = false;
    /** Like exporters: resends the same body until it is accepted. */
    async function sender(): Promise<void> {
      while (!isOver) {
        const body = encodeRequest(request(2));
        for (;;) {
          const answer = await postTraces(url, body);
          await answer.arrayBuffer();
          if (answer.status === 200) break;
          expect(answer.status).toBe(503);
          refusals.push(answer.headers.get('retry-after'));
          await delay(20);
        }
        answered.push(body.toString('hex'));
      }
    }
    const moreAnswers = (): Promise<void> => {
      const wanted = answered.length + 100;
      return until(async () => answered.length >= wanted, 20);
    };
    const moreRefusals = (): Promise<void> => {
      const wanted = refusals.length + SENDERS;
      return until(async () => refusals.length >= wanted, 20);
    };
    const sending = Promise.all(Array.from({ length: SENDERS }, sender));

    await moreAnswers();
    await broker.kill();
    await moreRefusals();
    expect(await isReady()).toBe(false);
    await broker.start();
    await moreAnswers();

    broker.stop();
    await moreRefusals();
    expect(await isReady()).toBe(false);
    broker.resume();
    await moreAnswers();
    await until(isReady, 50);

    isOver = true;
    await sending;
    expect(new Set(refusals)).toEqual(new Set(['1']));
    const kept = new Set((await messagesIn(own.brokers, topic)).map(({ value }) => value?.toString('hex')));
    expect(answered.filter((body) => !kept.has(body))).toEqual([]);
    expect(counters).toMatchObject({ heldBytes: 0, requests: { accepted: answered.length } });
    expect(produced.failed).toBeGreaterThan(0);
    // Not one a request.
    expect(lines.length).toBeLessThan(10);
  });
});

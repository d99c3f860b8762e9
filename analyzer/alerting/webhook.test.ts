import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { type ReceivedRequest, type Receiver, startReceiver } from '../../test/support/alertmanager.ts';
import { anIncident } from '../../test/support/incidents.ts';
import { until } from '../../test/support/until.ts';
import { DEFAULT_LINKS } from './alert-links.ts';
import { alertmanagerAlert } from './alertmanager-alert.ts';
import {
  createWebhook,
  type Notification,
  signatureHeaders,
  type Webhook,
  type WebhookOptions,
} from './webhook.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const NOW = Date.UTC(2026, 10, 28, 2, 16);

function webhook(url: string, options: Partial<WebhookOptions> = {}): Webhook {
  const created = createWebhook({
    url,
    secret: SECRET,
    log: pino({ level: 'silent' }),
    now: () => NOW,
    timeoutMillis: 5_000,
    retryMillis: [1],
    ...options,
  });
  onTestFinished(() => created.close());
  return created;
}

function notification(id: string, status: Notification['status'] = 'firing'): Notification {
  const incident = anIncident({ id });
  const resolvedAt = status === 'resolved' ? NOW : undefined;
  return { status, alert: alertmanagerAlert({ incident, resolvedAt }, NOW, DEFAULT_LINKS) };
}

const ids = ({ requests }: Receiver): unknown[] => requests.map(({ headers }) => headers['webhook-id']);

/** The function that docs/alerting.md gives to those who receive the webhook. */
async function documentedVerify(): Promise<
  (request: Pick<ReceivedRequest, 'headers' | 'body'>, secret: string, now: number) => unknown
> {
  const document = readFileSync(new URL('../../docs/alerting.md', import.meta.url), 'utf8');
  const code = /```js\n([^~]*?export function verify[^~]*?)```/.exec(document)?.[1];
  if (code === undefined) throw new Error('docs/alerting.md has no snippet with verify()');
  const { verify } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  return verify;
}

test('the documented function takes what we send, and nothing that was changed, forged or kept', async () => {
  const receiver = await startReceiver();
  const sender = webhook(receiver.url);
  sender.send(notification('aaaa'));
  await sender.idle();
  const [request] = receiver.requests;
  if (request === undefined) throw new Error('nothing arrived');
  const verify = await documentedVerify();

  expect(verify(request, SECRET, NOW)).toEqual(JSON.parse(request.body));
  expect(() => verify({ ...request, body: request.body.replace('orders', 'stock') }, SECRET, NOW)).toThrow(
    'signature',
  );
  expect(() => verify(request, 'whsec_AAAA', NOW)).toThrow('signature');
  for (const header of ['webhook-id', 'webhook-timestamp']) {
    const headers = { ...request.headers, [header]: `${Math.floor(NOW / 1_000) - 1}` };
    expect(() => verify({ ...request, headers }, SECRET, NOW)).toThrow('signature');
  }
  expect(() => verify({ body: request.body, headers: {} }, SECRET, NOW)).toThrow();
  expect(() => verify(request, SECRET, NOW + 6 * 60_000)).toThrow('old');
});

test('signatures are those of Standard Webhooks', () => {
  const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64');
  expect(signatureHeaders(key, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, '{"test": 2432232314}')).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('a secret that is not Base64 is used as it is', async () => {
  const receiver = await startReceiver();
  const sender = webhook(receiver.url, { secret: 'correct horse' });
  sender.send(notification('aaaa'));
  await sender.idle();
  const [request] = receiver.requests;
  expect(request?.headers).toMatchObject(
    signatureHeaders(
      Buffer.from('correct horse'),
      'aaaa-firing-breakage-critical-true',
      NOW / 1_000,
      request?.body ?? '',
    ),
  );
});

test("the body has the shape of Alertmanager's webhook", async () => {
  const receiver = await startReceiver();
  const sender = webhook(receiver.url);
  sender.send(notification('aaaa'));
  sender.send(notification('aaaa', 'resolved'));
  await sender.idle();
  const [firing, resolved] = receiver.notifications();
  expect(firing).toMatchObject({
    version: '4',
    status: 'firing',
    receiver: 'originscope',
    groupLabels: { incident: 'aaaa' },
    commonLabels: { class: 'breakage', service: 'orders' },
    alerts: [
      {
        status: 'firing',
        labels: { alertname: 'OriginscopeBreakage' },
        annotations: { summary: expect.stringContaining('https://app.example') },
        startsAt: '2026-11-28T02:14:00.000Z',
        endsAt: '0001-01-01T00:00:00Z',
        fingerprint: 'aaaa',
      },
    ],
  });
  expect(resolved).toMatchObject({
    status: 'resolved',
    alerts: [{ status: 'resolved', endsAt: '2026-11-28T02:16:00.000Z' }],
  });
});

test('a receiver that fails gets the same id again, with a signature of that moment, and nothing overtakes', async () => {
  let now = NOW;
  const receiver = await startReceiver((request) => {
    now += 1_000;
    return request < 3 ? 503 : 200;
  });
  const sender = webhook(receiver.url, { now: () => now });
  sender.send(notification('aaaa'));
  sender.send(notification('aaaa', 'resolved'));
  await sender.idle();
  const firing = 'aaaa-firing-breakage-critical-true';
  expect(ids(receiver)).toEqual([firing, firing, firing, 'aaaa-resolved']);
  expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-signature'])).size).toBe(4);
  expect(sender.counters).toEqual({ sent: 2, failed: 2, dropped: 0 });
});

test('what a receiver rejects is dropped, counted, and holds up nothing', async () => {
  const receiver = await startReceiver((request) => (request === 1 ? 422 : 200));
  const sender = webhook(receiver.url);
  sender.send(notification('aaaa'));
  sender.send(notification('bbbb'));
  await sender.idle();
  expect(sender.counters).toEqual({ sent: 1, failed: 1, dropped: 1 });
});

test('while a receiver is away, the newest notifications wait, and the rest is counted', async () => {
  let isUp = false;
  const receiver = await startReceiver(() => (isUp ? 200 : 503));
  const sender = webhook(receiver.url, { limit: 2 });
  sender.send(notification('first'));
  await until(() => sender.isFailing());
  for (const id of ['b', 'c', 'd']) sender.send(notification(id));
  isUp = true;
  await sender.idle();
  const accepted = ids(receiver)
    .slice(-3)
    .map((id) => String(id).split('-')[0]);
  expect(accepted).toEqual(['first', 'c', 'd']);
  expect(sender.counters).toMatchObject({ sent: 3, dropped: 1 });
});

test('closing ends the attempts', async () => {
  const receiver = await startReceiver(() => 503);
  const sender = webhook(receiver.url, { retryMillis: [3_600_000] });
  sender.send(notification('aaaa'));
  await until(() => sender.isFailing());
  await sender.close();
  expect(sender.counters).toEqual({ sent: 0, failed: 1, dropped: 0 });
});

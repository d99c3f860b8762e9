import { pino } from 'pino';
import { expect, test } from 'vitest';
import { alertingOf } from './alerting.ts';
import { readSettings } from './settings/read-settings.ts';

const log = pino({ level: 'silent' });

test('every Alertmanager and the webhook of the settings are receivers', () => {
  const settings = readSettings(
    {
      alertmanagers: 'http://a.example:9093, https://b.example/prefix',
      webhook: 'https://hooks.example/token',
    },
    { ORIGINSCOPE_WEBHOOK_SECRET: 'long enough to be one' },
  );
  expect(alertingOf(settings, { log }).deliveries.map(({ name }) => name)).toEqual([
    'http://a.example:9093',
    'https://b.example',
    'https://hooks.example',
  ]);
});

test('a webhook without a secret is an error', () => {
  const settings = readSettings({ webhook: 'https://hooks.example' }, {});
  expect(() => alertingOf(settings, { log })).toThrow('without a secret');
});

test.each([
  [{ alertmanagers: 'a.example:9093' }, '--alertmanagers: an http:// or https:// URL is wanted'],
  [{ dashboardUrl: 'https://grafana.example/d/x?var-service={servcie}' }, '--dashboard-url: '],
  [{ dashboardUrl: 'javascript:alert({from})' }, '--dashboard-url: '],
  [{ pageRules: 'outage=page' }, '"outage=page" is not a valid page rule'],
  [{ webhookSecret: 'short' }, '--webhook-secret: '],
])('%j is an error when settings are read', (flags, message) => {
  expect(() => readSettings(flags, {})).toThrow(message);
});

import { z } from 'zod';
import { isDashboardTemplate } from '../../analyzer/alerting/alert-links.ts';
import { parsePageRules } from '../../analyzer/incidents/page-policy.ts';
import { httpUrl, namesOf, type SettingGroup, text } from './setting.ts';

const httpUrls = text
  .transform((list) => list.split(',').map((url) => url.trim()))
  .pipe(z.array(httpUrl).min(1));

export const ALERTING = {
  alertmanagers: {
    flag: '--alertmanagers <urls>',
    description: 'Alertmanagers that get the alerts, separated by commas: http://127.0.0.1:9093',
    schema: httpUrls,
  },
  alertmanagerAuth: {
    flag: '--alertmanager-auth <header>',
    description:
      'their Authorization header; prefer ORIGINSCOPE_ALERTMANAGER_AUTH or _ALERTMANAGER_AUTH_FILE',
    schema: z.string().regex(/^[\x21-\x7e]+ [\x21-\x7e]+$/, 'a scheme and credentials are expected'),
    secret: true,
  },
  webhook: {
    flag: '--webhook <url>',
    description: 'URL that gets a signed notification when an incident begins, changes and ends',
    schema: httpUrl,
    // Such URLs often hold a token.
    secret: true,
  },
  webhookSecret: {
    flag: '--webhook-secret <secret>',
    description: 'key of the signatures; prefer ORIGINSCOPE_WEBHOOK_SECRET or _WEBHOOK_SECRET_FILE',
    schema: z.string().min(16),
    secret: true,
  },
  pageRules: {
    flag: '--page-rules <rules>',
    description:
      'which incidents page, by class, severity and service: suspicious:critical=page,breakage:warning=ticket',
    schema: text.transform(parsePageRules),
  },
  alarmBudget: {
    flag: '--alarm-budget <number>',
    description:
      'false alarms of statistical detectors that a service may have a day; fewer means later alarms (docs/detection.md)',
    schema: z.coerce.number().min(0.0001).max(1),
    default: 0.01,
  },
  dashboardUrl: {
    flag: '--dashboard-url <template>',
    description:
      'dashboard that alerts link to, with {service}, {environment}, {incident}, {from} and {to} in it',
    schema: text.refine(
      isDashboardTemplate,
      'an http:// or https:// URL is expected, with known placeholders',
    ),
  },
  runbookUrl: {
    flag: '--runbook-url <url>',
    description: 'location of the runbooks that alerts link to',
    schema: text,
    default: 'docs/runbooks',
  },
} as const satisfies SettingGroup;

export const ALERTING_SETTINGS = namesOf(ALERTING);

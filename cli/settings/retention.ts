import type { Retention } from '../../clickhouse/retention.ts';
import { namesOf, type SettingGroup, type Values, wholeNumber } from './setting.ts';

export const RETENTION = {
  keepRaw: {
    flag: '--keep-raw <hours>',
    description: 'hours that decision spans are kept; at least the 48 for which late ones are taken',
    schema: wholeNumber(48, 24 * 366),
    default: 48,
  },
  keepMinutes: {
    flag: '--keep-minutes <days>',
    description: 'days that usage by the minute and blocked requests are kept',
    schema: wholeNumber(3, 3_650),
    default: 30,
  },
  keepHours: {
    flag: '--keep-hours <months>',
    description: 'months that usage by the hour is kept',
    schema: wholeNumber(1, 1_200),
    default: 13,
  },
} as const satisfies SettingGroup;

export const RETENTION_SETTINGS = namesOf(RETENTION);

export function retentionOf(settings: Values<typeof RETENTION>): Retention {
  return {
    rawHours: settings.keepRaw,
    minutesDays: settings.keepMinutes,
    hoursMonths: settings.keepHours,
  };
}

import type { Retention } from '../../clickhouse/retention.ts';
import { namesOf, type SettingGroup, type Values, wholeNumber } from './setting.ts';

export const RETENTION = {
  keepRaw: {
    flag: '--keep-raw <hours>',
    description:
      'retention of decision spans in hours; at least 48, because late spans are accepted for that long',
    schema: wholeNumber(48, 24 * 366),
    default: 48,
  },
  keepMinutes: {
    flag: '--keep-minutes <days>',
    description: 'retention of usage by the minute and of blocked requests, in days',
    schema: wholeNumber(3, 3_650),
    default: 30,
  },
  keepHours: {
    flag: '--keep-hours <months>',
    description: 'retention of usage by the hour, in months',
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

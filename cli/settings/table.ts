import { ALERTING } from './alerting.ts';
import { CLICKHOUSE, EMBEDDED } from './clickhouse.ts';
import { DERIVATION } from './derivation.ts';
import { KAFKA, KAFKA_CLIENT, TOPICS } from './kafka.ts';
import { NETWORK } from './network.ts';
import { RETENTION } from './retention.ts';
import type { SettingGroup, Values } from './setting.ts';

/** All settings; a group is a file of its own. */
export const SETTINGS = {
  ...EMBEDDED,
  ...NETWORK,
  ...DERIVATION,
  ...RETENTION,
  ...CLICKHOUSE,
  ...KAFKA,
  ...TOPICS,
  ...KAFKA_CLIENT,
  ...ALERTING,
} as const satisfies SettingGroup;

export type SettingName = keyof typeof SETTINGS;
export type Settings = Values<typeof SETTINGS>;

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

import { z } from 'zod';

/**
 * Every setting once: its flag, its variable (`ORIGINSCOPE_` and the key in capitals), what it accepts and
 * what it means. Flags, environment, file, `--help`, `config` and the README's table all come from here.
 */
export interface Setting {
  readonly flag: string;
  readonly description: string;
  readonly schema: z.ZodType;
  readonly default?: string | number;
  /** Never shown; its variable with `_FILE` behind it names a file that holds it. */
  readonly secret?: true;
}

export type SettingGroup = Readonly<Record<string, Setting>>;

/** The values of a group's settings, validated. */
export type Values<Group extends SettingGroup> = {
  readonly [K in keyof Group]:
    | z.infer<Group[K]['schema']>
    | (Group[K] extends { default: unknown } ? never : undefined);
};

export const text = z.string().min(1);
export const wholeNumber = (least: number, most: number) => z.coerce.number().int().min(least).max(most);
export const port = wholeNumber(0, 65_535);

export const httpUrl = z
  .url({ protocol: /^https?$/, error: 'an http:// or https:// URL is wanted' })
  .refine((url) => !/\/\/[^/]*@/.test(url), 'user and password have settings of their own');

export function namesOf<Group extends SettingGroup>(group: Group): readonly (keyof Group & string)[] {
  return Object.keys(group);
}

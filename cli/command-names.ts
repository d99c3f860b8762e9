/** The name of every command. */
export const COMMAND_NAMES = [
  'up',
  'report',
  'verify',
  'incidents',
  'backtest',
  'analyze',
  'import',
  'explain',
  'probe',
  'receive',
  'consume',
  'dead-letters',
  'rebuild',
  'dashboards',
  'migrate',
  'topics',
  'config',
  'demo',
] as const;

export type CommandName = (typeof COMMAND_NAMES)[number];
